// Request bodies: read by blocks with back-pressure, given up when the client stands still, dropped when refused.

import { ClientGone, Problem } from './problems.js'

const MOVING_BYTES = 1000 // fewer than these in STALL_TIMEOUT_S is standing still
const MOST_DROPPED_BYTES = 64 * 1024 * 1024
const LONGEST_DROP_MS = 5000

/** Whether more of the request's body may come. */
export function isUnread(req) {
  const announced = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
  return announced && !req.readableEnded
}

/**
 * Hands each block of the body to `take`, which may throw to refuse it, or return a promise to be waited for.
 * Resolves when the body has ended; rejects with what refused it, or the reason for which `signal` was aborted.
 */
export function readBody(req, res, take, { stallTimeoutMs, signal }) {
  return new Promise((resolve, reject) => {
    if (req.destroyed && !req.complete) return reject(new ClientGone())
    const stall = new StallClock(stallTimeoutMs, () => settle(reject, new Problem(408, 'The body stood still for too long.')))
    let settled = false

    const settle = (how, value) => {
      if (settled) return
      settled = true
      stall.stop()
      req.off('data', onData).off('end', onEnd).off('close', onGone)
      signal?.removeEventListener('abort', onAbort)
      if (how === reject) req.pause()
      how(value)
    }
    const onData = (block) => {
      stall.saw(block.length)
      try {
        const taken = take(block)
        if (taken) waitFor(taken)
      } catch (error) {
        settle(reject, error)
      }
    }
    const waitFor = (taken) => {
      req.pause()
      stall.stop() // it is us who stand still
      taken.then(() => {
        if (settled) return
        stall.start()
        req.resume()
      }, (error) => settle(reject, error))
    }
    const onEnd = () => settle(resolve)
    const onGone = () => settle(reject, new ClientGone())
    const onAbort = () => settle(reject, signal.reason)

    if (signal?.aborted) return onAbort()
    signal?.addEventListener('abort', onAbort)
    req.on('data', onData).on('end', onEnd).on('close', onGone).on('error', onGone)
    stall.start()
    if (req.awaitsContinue) res.writeContinue()
    req.resume()
  })
}

/** Reads and drops what still comes, within bounds: closing on unread data would reset the client's answer away. */
export function dropRest(req) {
  return new Promise((resolve) => {
    let left = MOST_DROPPED_BYTES
    const timer = setTimeout(done, LONGEST_DROP_MS)
    function done() {
      clearTimeout(timer)
      req.off('data', onData).pause()
      resolve()
    }
    function onData(block) {
      left -= block.length
      if (left <= 0) done()
    }
    if (req.destroyed || req.readableEnded) return done()
    req.on('data', onData).once('end', done).once('close', done).on('error', done)
    req.resume()
  })
}

/** The whole body, at most `most` bytes. */
export async function wholeBody(req, res, most, options) {
  const tooLong = () => new Problem(413, `The body is longer than ${most} bytes.`)
  if (Number(req.headers['content-length'] ?? 0) > most) throw tooLong()
  const blocks = []
  let length = 0
  await readBody(req, res, (block) => {
    length += block.length
    if (length > most) throw tooLong()
    blocks.push(block)
  }, options)
  return Buffer.concat(blocks)
}

/** Rings where less than a kilobyte came for too long. */
class StallClock {
  #limitMs
  #ring
  #timer
  #seen = 0

  constructor(limitMs, ring) {
    this.#limitMs = limitMs
    this.#ring = ring
  }

  start() {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#ring, this.#limitMs)
  }

  stop() {
    clearTimeout(this.#timer)
  }

  saw(bytes) {
    this.#seen += bytes
    if (this.#seen < MOVING_BYTES) return
    this.#seen = 0
    this.#timer.refresh()
  }
}
