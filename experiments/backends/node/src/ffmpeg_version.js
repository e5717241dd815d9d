// Whether FFMPEG is a program that runs, and which version it says it is.

import { ConfigError } from './config.js'
import { Ffmpeg } from './ffmpeg.js'

const LONGEST_MS = 5000
const LONGEST_NAME = 100

export async function ffmpegVersion(program, guard) {
  const asked = new Ffmpeg(program, ['-version'], guard)
  const blocks = []
  asked.child.stdout?.on('data', (block) => blocks.push(block.subarray(0, 1000)))
  let tooLong = false
  const timer = setTimeout(() => {
    tooLong = true
    asked.kill()
  }, LONGEST_MS)
  const { code, error } = await asked.ended
  clearTimeout(timer)
  if (error) throw new Error(`setpriv, of util-linux, is needed to start ffmpeg: ${error.code}`)
  if (tooLong) throw new ConfigError('FFMPEG', `does not answer -version within ${LONGEST_MS / 1000} s`)
  if (code !== 0) throw new ConfigError('FFMPEG', `cannot be run: -version ended with ${code ?? 'a signal'}`)
  const [first] = Buffer.concat(blocks).toString('utf8').split('\n', 1)
  return /^ffmpeg version (\S+)/.exec(first)?.[1] ?? (first.trim().slice(0, LONGEST_NAME) || 'unknown')
}
