// The contract's rules for a multipart body, checked block by block before anything else sees it. multer and busboy
// tell of a refusal only when the body has ended, and do not bound what is neither file nor field; this does, and
// keeps nothing but a part's header.

import headers from 'busboy/lib/utils.js'

import { Problem } from './problems.js'

const { basename, getDecoder, parseContentType, parseDisposition } = headers // so that busboy and we cannot differ

const MOST_PARTS = 16
const MOST_TEXT_BYTES = 64 * 1024
const MOST_HEADER_BYTES = 16 * 1024
export const FIELD = 'video'
const END_OF_HEADER = '\r\n\r\n'
const HEADER_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t ]*([\t\x20-\x7e\x80-\xff]*)$/ // as busboy has it
const latin1 = getDecoder('latin1')

const wrong = (detail) => new Problem(400, detail)

/** The boundary that a content type names. Raises a Problem where it is another type, or names none. */
export function boundaryOf(contentType = '') {
  if (!/^multipart\/form-data[\t ]*(;|$)/i.test(contentType.trim())) {
    throw new Problem(415, 'The body must be multipart/form-data.')
  }
  const boundary = parseContentType(contentType)?.params.boundary
  if (boundary) return boundary
  throw wrong('The content type names no boundary.')
}

/** Throws a Problem as soon as what was pushed cannot become an upload any more. */
export class MultipartCheck {
  fileBytes = 0
  #delimiter
  #maxFileBytes
  #rest = Buffer.from('\r\n') // so that a first boundary without a preamble is found as the others are
  #reading = 'text' // 'header', 'file', 'text': a field, the preamble and what follows the last boundary
  #closed = false
  #found = false
  #parts = 0
  #textBytes = -2

  constructor(boundary, maxFileBytes) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`)
    this.#maxFileBytes = maxFileBytes
  }

  push(block) {
    let data = this.#rest.length ? Buffer.concat([this.#rest, block]) : block
    let used
    do {
      used = this.#reading === 'header' ? this.#header(data) : this.#content(data)
      data = data.subarray(used)
    } while (used && data.length)
    this.#rest = Buffer.from(data) // a copy: a few bytes must not hold a whole block
  }

  end() {
    if (!this.#closed) throw wrong('The body ends before its closing boundary.')
    if (!this.#found) throw wrong(`There is no part named ${FIELD}.`)
  }

  /** How much of `data` was used up; 0 where more is needed to go on. */
  #content(data) {
    if (this.#closed) return this.#count(data.length)
    const at = data.indexOf(this.#delimiter)
    if (at === -1) return this.#count(possibleStart(data, this.#delimiter))
    this.#count(at)
    const next = data.subarray(at + this.#delimiter.length, at + this.#delimiter.length + 2).toString('latin1')
    if (next.length < 2) return at
    this.#endPart()
    if (next === '--') this.#closed = true
    else if (next === '\r\n') this.#reading = 'header'
    else throw wrong('A boundary is followed by neither a line break nor its end.')
    return at + this.#delimiter.length + 2
  }

  #count(bytes) {
    if (this.#reading === 'file') {
      this.fileBytes += bytes
      if (this.fileBytes > this.#maxFileBytes) throw tooLarge(this.#maxFileBytes)
    } else {
      this.#textBytes += bytes
      if (this.#textBytes > MOST_TEXT_BYTES) throw wrong('There is too much text beside the file.')
    }
    return bytes
  }

  #endPart() {
    if (this.#reading === 'file' && this.fileBytes === 0) throw wrong('The file is empty.')
    this.#reading = 'text'
  }

  #header(data) {
    const at = data.indexOf(END_OF_HEADER)
    const length = at === -1 ? data.length : at + END_OF_HEADER.length
    if (length > MOST_HEADER_BYTES) throw wrong("A part's header is too long.")
    if (at === -1) return 0
    this.#startPart(headerValues(data.toString('latin1', 0, at)))
    return length
  }

  #startPart(values) {
    this.#parts += 1
    if (this.#parts > MOST_PARTS) throw wrong('There are too many parts.')
    const disposition = parseDisposition(values.get('content-disposition') ?? '', latin1)
    const params = disposition?.params ?? {}
    if (disposition?.type !== 'form-data' || !params.name) throw wrong('A part has no name.')
    const isFile = params.filename !== undefined || params['filename*'] !== undefined
    if (params.name !== FIELD && isFile) throw wrong(`There is a file other than ${FIELD}.`)
    this.#reading = params.name === FIELD ? this.#startFile(params) : 'text'
  }

  #startFile(params) {
    if (this.#found) throw wrong(`There are two parts named ${FIELD}.`)
    if (!basename(params['filename*'] || params.filename || '')) throw wrong(`The part named ${FIELD} has no file name.`)
    this.#found = true
    return 'file'
  }
}

export function tooLarge(most) {
  return new Problem(413, `The file is larger than ${most} bytes.`)
}

/** Where the delimiter may begin at the end of `data`: what stands before is content for certain. */
function possibleStart(data, delimiter) {
  let at = data.indexOf('\r', Math.max(0, data.length - delimiter.length + 1))
  while (at !== -1 && !delimiter.subarray(0, data.length - at).equals(data.subarray(at))) at = data.indexOf('\r', at + 1)
  return at === -1 ? data.length : at
}

function headerValues(text) {
  const values = new Map()
  for (const line of text.replace(/\r\n([\t ])/g, '$1').split('\r\n')) {
    const [, name, value] = HEADER_LINE.exec(line) ?? []
    if (!name) throw wrong("A part's header is malformed.")
    if (!values.has(name.toLowerCase())) values.set(name.toLowerCase(), value)
  }
  return values
}
