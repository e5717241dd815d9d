// An upload on its way in: multer parses and stores it, fed block by block by what checks it. So a refusal is known
// at once, the client is held back by the disk, and multer never waits for the end of a body that is not wanted.

import { PassThrough } from 'node:stream'

import multer from 'multer'

import { isUnread, readBody } from './body.js'
import { FIELD, MultipartCheck, boundaryOf, tooLarge } from './multipart.js'
import { Problem, diskProblem } from './problems.js'

const BLOCK_BYTES = 64 * 1024
const OVERHEAD_BYTES = 1024 * 1024 // of a form around its file, at most

/** A function of a request that resolves to `{file, bytes}`: what `storage` kept of its file, and how long that is. */
export function receiver(storage, { maxUploadBytes, stallTimeoutMs }) {
  const parse = multer({ storage: endingTheBody(storage), streamHandler: feed }).single(FIELD)

  return async function receive(req, res, stopping) {
    const check = new MultipartCheck(boundaryOf(req.headers['content-type']), maxUploadBytes)
    if (req.headers['content-encoding'] !== undefined) throw new Problem(415, 'The body must not be encoded.')
    if (Number(req.headers['content-length'] ?? 0) > maxUploadBytes + OVERHEAD_BYTES) throw tooLarge(maxUploadBytes)
    if (!isUnread(req)) throw new Problem(400, 'There is no body.')

    const body = new PassThrough({ highWaterMark: BLOCK_BYTES })
    body.headers = req.headers // all that multer asks of a request
    const parsed = new Promise((resolve, reject) => {
      parse(body, null, (error) => (error ? reject(error) : resolve(body.file)))
    })
    const broken = new AbortController()
    const stop = () => broken.abort(stopping.reason)
    parsed.catch((error) => broken.abort(error))
    stopping.addEventListener('abort', stop)
    let flowsAgain = () => {}
    body.on('drain', () => flowsAgain()).on('close', () => flowsAgain())
    const pass = (block) => {
      check.push(block)
      if (!body.write(block)) return new Promise((resolve) => (flowsAgain = resolve))
    }
    try {
      await readBody(req, res, pass, { stallTimeoutMs, signal: broken.signal })
      check.end()
      body.end()
      const file = await parsed
      if (file) return { file, bytes: check.fileBytes }
      throw malformed()
    } catch (error) {
      body.destroy(error)
      await parsed.catch(() => {}) // what was kept of it is gone then
      throw error
    } finally {
      stopping.removeEventListener('abort', stop)
    }
  }
}

function feed(body, parser) {
  parser.removeAllListeners('field') // other fields mean nothing here: their names need not be taken apart
  parser.on('error', () => body.destroy(malformed()))
  body.pipe(parser)
}

/** The same storage, but what goes wrong in it ends the body, whose end multer would wait for. */
function endingTheBody(storage) {
  return {
    _handleFile(body, file, done) {
      storage._handleFile(body, file, (error, kept) => {
        const problem = error && diskProblem(error)
        if (problem) body.destroy(problem)
        done(problem, kept)
      })
    },
    _removeFile: (body, file, done) => storage._removeFile(body, file, done),
  }
}

function malformed() {
  return new Problem(400, 'The body is malformed.')
}
