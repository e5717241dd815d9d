// The end at SIGTERM or SIGINT: nothing new, no ffmpeg, exit 0, whatever clients do.

import { once, setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'

import { kindOf, log, logged } from './log.js'
import { ending } from './problems.js'

const ANSWERS_GRACE_MS = 3000
const LATEST_MS = 8000

export class Ending {
  #stopping = new AbortController()
  #parts = null

  constructor() {
    setMaxListeners(0, this.signal) // each upload on its way listens
    for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => this.#begin(name))
  }

  /** Aborted, with what to answer, when the end has begun. */
  get signal() {
    return this.#stopping.signal
  }

  /** From now on there is something to end. */
  of(server, jobs) {
    this.#parts = { server, jobs }
  }

  #begin(name) {
    if (this.signal.aborted) return
    this.#stopping.abort(ending())
    if (!this.#parts) process.exit(0)
    setTimeout(() => process.exit(0), LATEST_MS)
    log.info('stopping', { signal: name })
    this.#finish().then(() => process.exit(0))
  }

  async #finish() {
    const { server, jobs } = this.#parts
    server.close()
    const closed = once(server, 'close')
    await jobs.removeAll().catch((error) => log.error('files_left', kindOf(error)))
    await Promise.race([closed, pause(ANSWERS_GRACE_MS)])
    server.closeAllConnections()
    log.info('stopped')
    await logged()
  }
}
