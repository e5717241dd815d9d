// The environment, read once at start. What makes no sense is told by the variable's name, never guessed at.

import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

const PRESETS = [
  'ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow', 'slower', 'veryslow', 'placebo',
]
const MOST_THREADS = 128 // x264 takes no more
const LONGEST_TIMER_MS = 2 ** 31 - 60_000 // past 2 ** 31 a timer of Node.js fires at once; 24 days are as good as any more

export class ConfigError extends Error {
  constructor(variable, reason) {
    super(`${variable} ${reason}`)
    this.variable = variable
  }
}

export function readConfig(environment) {
  const text = (name, fallback) => environment[name] ?? fallback
  const oneOf = (name, fallback, choices) => {
    const value = text(name, fallback)
    if (!choices.includes(value)) throw new ConfigError(name, `must be one of: ${choices.join(', ')}`)
    return value
  }
  const whole = (name, fallback, least, most = Number.MAX_SAFE_INTEGER) => {
    if (environment[name] === undefined) return fallback
    const value = /^[0-9]{1,16}$/.test(environment[name]) ? Number(environment[name]) : NaN
    if (value >= least && value <= most) return value
    throw new ConfigError(name, `must be a whole number from ${least} to ${most}`)
  }
  const decimal = (name, fallback, fits, wanted) => {
    if (environment[name] === undefined) return fallback
    const value = /^[0-9]{1,16}(\.[0-9]{1,9})?$/.test(environment[name]) ? Number(environment[name]) : NaN
    if (fits(value)) return value
    throw new ConfigError(name, `must be ${wanted}`)
  }
  const inMs = (name, fallbackS) => 1000 * decimal(name, fallbackS, (value) => value > 0, 'a number of seconds over 0')
  const timerMs = (name, fallbackS) => Math.min(LONGEST_TIMER_MS, inMs(name, fallbackS))
  const asWritten = (name, value) => (value === null ? null : environment[name])

  const config = {
    bind: address(text('BIND', '127.0.0.1')),
    port: whole('PORT', 3000, 0, 65535),
    dataDir: path.resolve(required('DATA_DIR', environment.DATA_DIR)),
    ffmpeg: required('FFMPEG', text('FFMPEG', 'ffmpeg')),
    maxConcurrent: whole('MAX_CONCURRENT', 1, 1),
    seek: oneOf('SEEK', 'input', ['input', 'output']),
    preset: oneOf('PRESET', 'ultrafast', PRESETS),
    crf: asWritten('CRF', decimal('CRF', null, (value) => value <= 51, 'a number from 0 to 51')),
    encoderThreads: whole('ENCODER_THREADS', 1, 0, MOST_THREADS),
    decoderThreads: whole('DECODER_THREADS', null, 0, MOST_THREADS),
    argv: oneOf('ARGV', 'same', ['same', 'sketched']),
    maxUploadBytes: whole('MAX_UPLOAD_BYTES', 2 * 1024 ** 3, 1),
    maxClips: whole('MAX_CLIPS', 100, 1),
    queueLimit: whole('QUEUE_LIMIT', 100, 1),
    clipTimeoutMs: timerMs('CLIP_TIMEOUT_S', 600),
    stallTimeoutMs: timerMs('STALL_TIMEOUT_S', 60),
    keepMs: inMs('KEEP_S', 3600),
    uploadTo: oneOf('UPLOAD_TO', 'disk', ['disk', 'memory', 'tmp']),
    wrapper: oneOf('FFMPEG_WRAPPER', 'fluent-ffmpeg', ['fluent-ffmpeg', 'child_process']),
    temporary: tmpdir(),
  }
  return Object.freeze(config)
}

function required(name, value) {
  if (value && !value.includes('\0')) return value
  throw new ConfigError(name, 'must be set')
}

function address(value) {
  if (isIP(value) || value === 'localhost') return value
  throw new ConfigError('BIND', 'must be an IP address of this machine, or localhost')
}
