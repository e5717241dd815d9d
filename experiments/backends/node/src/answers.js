// Answers, and how they end where the request's body has not been read to its end.

import { dropRest, isUnread } from './body.js'
import { ClientGone, Problem } from './problems.js'
import { kindOf, log } from './log.js'

/** Answers whole. Where more of the body may come it is dropped after the answer, and the connection closed. */
export async function answer(req, res, status, headers = {}, body = '') {
  const unread = isUnread(req)
  res.writeHead(status, withLength(status, unread ? { ...headers, Connection: 'close' } : headers, body))
  await finish(req, res, body, { drop: unread && status !== 408 })
}

function withLength(status, headers, body) {
  return status === 204 || status === 304 ? headers : { ...headers, 'Content-Length': Buffer.byteLength(body) }
}

/** Ends an answer whose head has been sent; `drop`: the client may still be sending. */
export async function finish(req, res, last, { drop }) {
  if (!drop) return void res.end(last)
  if (last) res.write(last)
  else res.flushHeaders()
  await dropRest(req) // res.end() closes the connection: not before the client could read
  res.end()
}

export function answerJson(req, res, status, value, headers = {}) {
  return answer(req, res, status, { 'Content-Type': 'application/json', ...headers }, JSON.stringify(value))
}

/** What a handler threw, as a problem; without a trace. */
export async function answerError(req, res, error) {
  if (error instanceof ClientGone || res.headersSent || req.socket.destroyed) return void res.destroy()
  const problem = error instanceof Problem ? error : unexpected(req, error)
  await answer(req, res, problem.status, { 'Content-Type': 'application/problem+json', ...problem.headers }, problem.body)
}

function unexpected(req, error) {
  log.error('unexpected', { method: req.method, ...kindOf(error), stack: error?.stack })
  return new Problem(500, 'Something went wrong in the service; its log says what.')
}
