// HTTP around the routes: what Node.js leaves open about clients that stand still, and requests that are none.

import { STATUS_CODES, createServer } from 'node:http'

import { Problem } from './problems.js'

const OF_PARSING = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_INVALID_METHOD: 501 }
const TIME_TO_READ_MS = 1000
const NO_PATH = /[^\x21\x22\x24-\x7e]/ // what would be read in another way than it is written

export function makeServer(app, { stallTimeoutMs }) {
  const answering = new WeakMap() // socket: the answer under way
  const connections = new Set()
  const stallMs = Math.ceil(stallTimeoutMs)
  const lookMs = Math.min(1000, Math.max(50, Math.floor(stallMs / 10)))

  const server = createServer({
    headersTimeout: stallMs,
    requestTimeout: 0, // it would cut uploads that move, only slowly; bodies have a clock of their own
    keepAliveTimeout: stallMs,
    connectionsCheckingInterval: lookMs,
    requireHostHeader: false, // its refusal has no body; see `handle`
  })
  server.httpAllowHalfOpen = true // who has sent a whole request may say so, and is answered
  const handle = (req, res) => {
    answering.set(req.socket, res)
    req.url = target(req.url)
    if (req.httpVersion === '1.1' && req.headers.host === undefined) return refuse({ code: 'NO_HOST' }, req.socket, res)
    app(req, res)
  }
  server.on('request', handle)
  server.on('checkExpectation', handle) // one that is not known may be passed over
  server.on('checkContinue', (req, res) => {
    req.awaitsContinue = true // until somebody wants the body
    handle(req, res)
  })
  server.on('connect', (_req, socket) => {
    socket.on('error', () => {}) // it is nobody's now
    refuse({ code: 'HPE_INVALID_METHOD' }, socket)
  })
  server.on('clientError', (error, socket) => refuse(error, socket, answering.get(socket)))
  server.on('connection', (socket) => {
    const reader = new Reader(socket)
    connections.add(reader)
    socket.once('close', () => connections.delete(reader))
  })
  const looking = setInterval(() => {
    for (const reader of connections) reader.endIfStill(stallMs)
  }, lookMs)
  server.once('close', () => clearInterval(looking))
  return server
}

/** The path of a request's target; one that no route has, where it holds what a path does not. */
function target(url) {
  const path = url.replace(/^https?:\/\/[^/?#]*/i, '')
  return NO_PATH.test(path.split('?', 1)[0]) ? '/-' : path
}

/** Answers what could not be read as a request, where no answer has begun, and gives the client time to read it. */
function refuse(error, socket, response) {
  if (!socket.writable || error.code === 'ECONNRESET' || (response?.headersSent && !response.writableFinished)) {
    return void socket.destroy()
  }
  const status = OF_PARSING[error.code] ?? 400
  const { body } = new Problem(status, 'This is no request that can be read.')
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/problem+json\r\nConnection: close\r\n`
  socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  setTimeout(() => socket.destroy(), TIME_TO_READ_MS)
}

/** A client as the reader of its answers. */
class Reader {
  #socket
  #read = 0
  #sinceMs = performance.now()

  constructor(socket) {
    this.#socket = socket
  }

  /** Ends the connection where an answer waits and nothing of it was read for `limitMs`. */
  endIfStill(limitMs) {
    const read = this.#socket.bytesWritten - this.#socket.writableLength
    const nowMs = performance.now()
    if (this.#socket.writableLength === 0 || read !== this.#read) {
      this.#read = read
      this.#sinceMs = nowMs
    } else if (nowMs - this.#sinceMs >= limitMs) {
      this.#socket.destroy()
    }
  }
}
