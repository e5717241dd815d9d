// HTTP by hand: what no client library would send.

import { connect } from 'node:net'
import { once } from 'node:events'

export const BOUNDARY = 'the-boundary'

/** A connection that collects what it is told. */
export class Raw {
  constructor(port) {
    this.text = ''
    this.socket = connect(port, '127.0.0.1')
    this.socket.on('data', (block) => (this.text += block.toString('latin1'))).on('error', () => {})
    this.closed = once(this.socket, 'close')
  }

  send(...parts) {
    for (const part of parts) this.socket.write(part)
    return this
  }

  /** Resolves to the status once a whole head is there. */
  async status(limitMs = 5000) {
    const deadline = Date.now() + limitMs
    while (!this.text.includes('\r\n\r\n')) {
      if (Date.now() > deadline || this.socket.destroyed) throw new Error(`no answer; until then: ${this.text}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    return Number(this.text.split(' ')[1])
  }
}

export function uploadHead(more, boundary = BOUNDARY) {
  return `POST /uploads HTTP/1.1\r\nHost: here\r\nContent-Type: multipart/form-data; boundary=${boundary}\r\n${more}\r\n\r\n`
}

export function part(name, content, { file, header = '' } = {}) {
  const named = file === undefined ? '' : `; filename="${file}"`
  return Buffer.concat([
    Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${named}\r\n${header}\r\n`),
    Buffer.from(content),
    Buffer.from('\r\n'),
  ])
}

export const video = (content = 'film') => part('video', content, { file: 'film.mp4', header: 'Content-Type: video/mp4\r\n' })
export const LAST = Buffer.from(`--${BOUNDARY}--\r\n`)

export function chunk(content) {
  const bytes = Buffer.from(content)
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
}
