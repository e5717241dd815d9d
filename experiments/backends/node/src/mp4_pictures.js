// How many pictures an MP4 holds, by its sample tables: for the one argv without -progress.

import { open } from 'node:fs/promises'

const HEADER_BYTES = 16
const MOST_INDEX_BYTES = 64 * 1024 * 1024

/** 0 where the file is no MP4, or holds no film. */
export async function picturesIn(path) {
  const file = await open(path)
  try {
    const index = await indexOf(file)
    const tracks = index ? boxes(index).filter(({ type }) => type === 'trak') : []
    return tracks.filter(isFilm).reduce((pictures, track) => pictures + samples(track), 0)
  } finally {
    await file.close()
  }
}

/** The content of the `moov` box. */
async function indexOf(file) {
  const { size } = await file.stat()
  let at = 0
  while (at + HEADER_BYTES <= size) {
    const { buffer } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, at)
    const box = boxAt(buffer, 0, size - at)
    if (!box) return null
    if (box.type === 'moov') return box.length > MOST_INDEX_BYTES ? null : contentOf(file, at, box)
    at += box.length
  }
  return null
}

async function contentOf(file, at, { header, length }) {
  const { buffer } = await file.read(Buffer.alloc(length - header), 0, length - header, at + header)
  return buffer
}

/** `{type, header, length}` of the box at `at`; undefined where there is none. `left`: what it may take at most. */
function boxAt(data, at, left) {
  let [header, length] = [8, data.readUInt32BE(at)]
  if (length === 1) [header, length] = [16, Number(data.readBigUInt64BE(at + 8))]
  if (length === 0) length = left
  if (length >= header && length <= left) return { type: data.toString('latin1', at + 4, at + 8), header, length }
}

/** The boxes inside a box's content, each `{type, content}`. */
function boxes(content) {
  const found = []
  for (let at = 0; at + HEADER_BYTES <= content.length;) {
    const box = boxAt(content, at, content.length - at)
    if (!box) break
    found.push({ type: box.type, content: content.subarray(at + box.header, at + box.length) })
    at += box.length
  }
  return found
}

function inside(box, ...types) {
  return types.reduce((found, type) => found && boxes(found.content).find((one) => one.type === type), box)
}

function isFilm(track) {
  return inside(track, 'mdia', 'hdlr')?.content.toString('latin1', 8, 12) === 'vide'
}

function samples(track) {
  const sizes = inside(track, 'mdia', 'minf', 'stbl', 'stsz')?.content
  return sizes?.length >= 12 ? sizes.readUInt32BE(8) : 0
}
