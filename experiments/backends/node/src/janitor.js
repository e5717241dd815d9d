// Forgets what was kept KEEP_S.

import { kindOf, log } from './log.js'

const OFTEN_MS = 100
const SELDOM_MS = 10_000

export function keepClean({ keepMs }, jobs, uploads) {
  const clean = async () => {
    try {
      await jobs.removeOld()
      await uploads.removeOld()
    } catch (error) {
      log.error('files_left', kindOf(error))
    }
  }
  setInterval(clean, Math.min(SELDOM_MS, Math.max(OFTEN_MS, keepMs / 10)))
}
