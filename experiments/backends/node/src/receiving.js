// An upload on its way in: read by the contract's rules, block by block, and stored by multer, which is handed a form of
// that one file. So a refusal is known at once, the disk holds the client back, and multer never waits for the end of a
// body that nobody wants.

import { PassThrough } from 'node:stream'

import multer from 'multer'

import { isUnread, readBody } from './body.js'
import { newId } from './ids.js'
import { FIELD, MultipartReader, boundaryOf, tooLarge } from './multipart.js'
import { Problem, diskProblem } from './problems.js'

const BLOCK_BYTES = 64 * 1024
const OVERHEAD_BYTES = 1024 * 1024 // of a form around its file, at most

/** A function of a request that resolves to `{file, bytes}`: what `storage` kept of its file, and how long that is. */
export function receiver(storage, { maxUploadBytes, stallTimeoutMs }) {
  const parse = multer({ storage: endingTheForm(storage) }).single(FIELD)

  return async function receive(req, res, stopping) {
    const boundary = boundaryOf(req.headers['content-type'])
    if (req.headers['content-encoding'] !== undefined) throw new Problem(415, 'The body must not be encoded.')
    if (Number(req.headers['content-length'] ?? 0) > maxUploadBytes + OVERHEAD_BYTES) throw tooLarge(maxUploadBytes)
    if (!isUnread(req)) throw new Problem(400, 'There is no body.')

    const form = new FormOfOneFile()
    const reader = new MultipartReader(boundary, maxUploadBytes, (bytes) => form.write(bytes))
    const stored = form.parsedBy(parse)
    const broken = new AbortController()
    const stop = () => broken.abort(stopping.reason)
    stored.catch((error) => broken.abort(error))
    stopping.addEventListener('abort', stop)
    try {
      await readBody(req, res, (block) => {
        reader.push(block)
        return form.flow()
      }, { stallTimeoutMs, signal: broken.signal })
      reader.end()
      form.end()
      return { file: await stored, bytes: reader.fileBytes }
    } catch (error) {
      form.break(error)
      await stored.catch(() => {}) // what was kept of it is gone then
      throw error
    } finally {
      stopping.removeEventListener('abort', stop)
    }
  }
}

/** What multer sees as the request: nothing of the client's but the bytes of its file. */
class FormOfOneFile {
  #boundary = newId()
  #body = new PassThrough({ highWaterMark: BLOCK_BYTES })
  #begun = false
  #isFull = false
  #flowsAgain = () => {}

  constructor() {
    this.#body.headers = {
      'content-type': `multipart/form-data; boundary=${this.#boundary}`, 'transfer-encoding': 'chunked',
    }
    this.#body.on('drain', () => this.#release()).on('close', () => this.#release())
  }

  /** Resolves to what multer kept of the file; rejects when it has cleaned up, with why the file could not be kept. */
  parsedBy(parse) {
    return new Promise((resolve, reject) => {
      parse(this.#body, null, (error) => (error ? reject(diskProblem(error)) : resolve(this.#body.file)))
    })
  }

  write(bytes) {
    if (!this.#begun) {
      this.#begun = true
      this.#body.write(`--${this.#boundary}\r\nContent-Disposition: form-data; name="${FIELD}"; filename="film"\r\n\r\n`)
    }
    this.#isFull = !this.#body.write(bytes)
  }

  /** A promise of when more may be written; undefined: now. */
  flow() {
    if (this.#isFull && !this.#body.destroyed) return new Promise((resolve) => (this.#flowsAgain = resolve))
  }

  end() {
    this.#body.end(`\r\n--${this.#boundary}--\r\n`)
  }

  break(error) {
    this.#body.destroy(error)
  }

  #release() {
    this.#isFull = false
    this.#flowsAgain()
  }
}

/** The same storage, but what goes wrong in it ends the form, whose end multer would wait for. */
function endingTheForm(storage) {
  return {
    _handleFile(body, file, done) {
      storage._handleFile(body, file, (error, kept) => {
        if (error) body.destroy(error)
        done(error, kept)
      })
    },
    _removeFile: (body, file, done) => storage._removeFile(body, file, done),
  }
}
