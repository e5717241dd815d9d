// What a client orders: the JSON of POST /jobs, checked to the last key.

import { wholeBody } from './body.js'
import { Problem } from './problems.js'

const MOST_BYTES = 1024 * 1024
const LONGEST_S = 1e7

const shape = (detail) => new Problem(422, detail)

/** The order in the request's body: `{upload, clips: [{startS, durationS}]}`. */
export async function readOrder(req, res, config) {
  if (!/^application\/json[\t ]*(;[\t ]*charset="?utf-8"?[\t ]*)?$/i.test(req.headers['content-type'] ?? '')) {
    throw new Problem(415, 'The body must be application/json.')
  }
  if (req.headers['content-encoding'] !== undefined) throw new Problem(415, 'The body must not be encoded.')
  const body = await wholeBody(req, res, MOST_BYTES, config)
  return checkedOrder(parsed(body), config.maxClips)
}

function parsed(body) {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body))
  } catch {
    throw new Problem(400, 'The body is no JSON.')
  }
}

export function checkedOrder(value, maxClips) {
  if (!hasKeys(value, ['upload', 'clips'])) throw shape('An order has the keys upload and clips, and no others.')
  const { upload, clips } = value
  if (typeof upload !== 'string') throw shape('upload must be the id of an upload.')
  if (!Array.isArray(clips) || clips.length < 1 || clips.length > maxClips) {
    throw shape(`clips must be a list of 1 to ${maxClips} clips.`)
  }
  return { upload, clips: clips.map(checkedClip) }
}

function checkedClip(clip, index) {
  const number = index + 1
  if (!hasKeys(clip, ['start_s', 'duration_s'])) {
    throw shape(`Clip ${number} must have the keys start_s and duration_s, and no others.`)
  }
  const { start_s: startS, duration_s: durationS } = clip
  if (!isSeconds(startS) || startS < 0) throw shape(`start_s of clip ${number} must be a number from 0 to ${LONGEST_S}.`)
  if (!isSeconds(durationS) || durationS <= 0) {
    throw shape(`duration_s of clip ${number} must be a number over 0, at most ${LONGEST_S}.`)
  }
  return { startS, durationS }
}

function isSeconds(value) {
  return typeof value === 'number' && value <= LONGEST_S // Infinity is not; JSON has no NaN
}

function hasKeys(value, keys) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false
  const found = Object.keys(value)
  return found.length === keys.length && keys.every((key) => Object.hasOwn(value, key))
}
