// A clip on its way out.

import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'

import { answer, finish } from './answers.js'
import { isUnread } from './body.js'
import { Problem, notFound } from './problems.js'
import { rangeOf } from './ranges.js'

/** Answers with the file, or the part of it that was asked for. `tag`: what no other file is called. */
export async function sendClip(req, res, path, tag) {
  const file = await open(path).catch(() => { throw notFound('clip') }) // it was removed just now
  try {
    const { size } = await file.stat()
    const etag = `"${tag}"`
    const headers = { 'Accept-Ranges': 'bytes', ETag: etag }
    if (listsTag(req.headers['if-none-match'], etag)) return await answer(req, res, 304, headers)
    const range = wantedRange(req, etag, size)
    if (range === 'unsatisfiable') {
      throw new Problem(416, 'The clip has no such bytes.', { ...headers, 'Content-Range': `bytes */${size}` })
    }
    await sendPart(req, res, file, { size, range, headers })
  } finally {
    await file.close()
  }
}

async function sendPart(req, res, file, { size, range, headers }) {
  const { first, last } = range ?? { first: 0, last: size - 1 }
  const drop = isUnread(req)
  res.writeHead(range ? 206 : 200, {
    ...headers,
    'Content-Type': 'video/mp4',
    'Content-Length': last - first + 1,
    ...(range && { 'Content-Range': `bytes ${first}-${last}/${size}` }),
    ...(drop && { Connection: 'close' }),
  })
  if (req.method !== 'HEAD') {
    const bytes = file.createReadStream({ start: first, end: last, autoClose: false })
    await pipeline(bytes, res, { end: false })
  }
  await finish(req, res, '', { drop })
}

/** Ranges are defined for GET alone; with an If-Range of another file the whole one is wanted. */
function wantedRange(req, etag, size) {
  const onlyIf = req.headers['if-range']
  if (req.method !== 'GET' || (onlyIf !== undefined && onlyIf !== etag)) return null
  return rangeOf(req.headers.range, size)
}

function listsTag(header, etag) {
  if (header === undefined) return false
  return header.split(',').some((tag) => ['*', etag, `W/${etag}`].includes(tag.trim()))
}
