// A multipart body, read block by block by the contract's rules. multer and busboy tell of a refusal only when the body
// has ended, do not bound what is neither file nor field, and refuse names that browsers send; so they are handed only
// the file that was found here. Nothing is kept but a part's header.

import { Problem } from './problems.js'

const MOST_PARTS = 16
const MOST_TEXT_BYTES = 64 * 1024
const MOST_HEADER_BYTES = 16 * 1024
const MOST_PARAMETERS = 16
export const FIELD = 'video'
const END_OF_HEADER = '\r\n\r\n'
const HEADER_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[\t ]*:(.*)$/s
// A quoted value ends where a parameter may: browsers have sent quotes and backslashes as they are.
const PARAMETER = /;\s*([^\s=;]+)\s*=\s*(?:"((?:\\.|[^\\])*?)"(?=\s*(?:;|$))|([^;]*))/gs

const wrong = (detail) => new Problem(400, detail)

/** The boundary that a content type names. Raises a Problem where it is another type, or names none. */
export function boundaryOf(contentType = '') {
  if (!/^multipart\/form-data\s*(;|$)/i.test(contentType.trim())) throw new Problem(415, 'The body must be multipart/form-data.')
  const boundary = parametersIn(contentType).get('boundary')
  if (boundary) return boundary
  throw wrong('The content type names no boundary.')
}

/** Throws a Problem as soon as what was pushed cannot become an upload any more. */
export class MultipartReader {
  fileBytes = 0
  #delimiter
  #maxFileBytes
  #take
  #rest = Buffer.from('\r\n') // so that a first boundary without a preamble is found as the others are
  #reading = 'text' // 'header', 'file', 'text': a field, the preamble and what follows the last boundary
  #closed = false
  #found = false
  #parts = 0
  #textBytes = -2

  /** `take` is handed the file's bytes as they come. */
  constructor(boundary, maxFileBytes, take) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
    this.#maxFileBytes = maxFileBytes
    this.#take = take
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
    if (this.#closed) return this.#pass(data)
    const at = data.indexOf(this.#delimiter)
    if (at === -1) return this.#pass(data.subarray(0, possibleStart(data, this.#delimiter)))
    this.#pass(data.subarray(0, at))
    const next = data.toString('latin1', at + this.#delimiter.length, at + this.#delimiter.length + 2)
    if (next.length < 2) return at
    this.#endPart()
    if (next === '--') this.#closed = true
    else if (next === '\r\n') this.#reading = 'header'
    else throw wrong('A boundary is followed by neither a line break nor its end.')
    return at + this.#delimiter.length + 2
  }

  #pass(content) {
    if (this.#reading === 'file') {
      this.fileBytes += content.length
      if (this.fileBytes > this.#maxFileBytes) throw tooLarge(this.#maxFileBytes)
      if (content.length) this.#take(content)
    } else {
      this.#textBytes += content.length
      if (this.#textBytes > MOST_TEXT_BYTES) throw wrong('There is too much text beside the file.')
    }
    return content.length
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
    this.#startPart(dispositionIn(data.toString('latin1', 0, at)))
    return length
  }

  #startPart(disposition) {
    this.#parts += 1
    if (this.#parts > MOST_PARTS) throw wrong('There are too many parts.')
    const parameters = parametersIn(disposition)
    const name = parameters.get('name')
    if (!/^\s*form-data\s*;/i.test(disposition) || !name) throw wrong('A part has no name.')
    const file = parameters.get('filename*') ?? parameters.get('filename')
    if (name !== FIELD && file !== undefined) throw wrong(`There is a file other than ${FIELD}.`)
    this.#reading = name === FIELD ? this.#startFile(file) : 'text'
  }

  #startFile(name) {
    if (this.#found) throw wrong(`There are two parts named ${FIELD}.`)
    if (!name) throw wrong(`The part named ${FIELD} has no file name.`)
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

/** The value of Content-Disposition in a part's header; empty where it has none. */
function dispositionIn(header) {
  let disposition = ''
  for (const line of header.replace(/\r\n[\t ]+/g, ' ').split('\r\n')) {
    const [, name, value] = HEADER_LINE.exec(line) ?? []
    if (!name) throw wrong("A part's header is malformed.")
    if (name.toLowerCase() === 'content-disposition') disposition ||= value
  }
  return disposition
}

function parametersIn(header) {
  const found = new Map()
  let left = MOST_PARAMETERS // the end of a quote may be far: not to be looked for time and again
  for (const [, name, quoted, bare] of header.matchAll(PARAMETER)) {
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), quoted?.replace(/\\(.)/gs, '$1') ?? bare.trim())
    left -= 1
    if (left === 0) break
  }
  return found
}
