import assert from 'node:assert/strict'
import test from 'node:test'

import { MultipartReader, boundaryOf } from '../src/multipart.js'
import { BOUNDARY, LAST, part, video } from './helpers/raw.js'

const KIB = 1024

function check(body, { most = 1000, step = Infinity } = {}) {
  const taken = []
  const found = new MultipartReader(BOUNDARY, most, (content) => taken.push(Buffer.from(content)))
  const bytes = Buffer.concat(body.map((piece) => Buffer.from(piece)))
  for (let at = 0; at < bytes.length; at += step) found.push(bytes.subarray(at, at + Math.min(step, bytes.length)))
  found.end()
  assert.equal(Buffer.concat(taken).length, found.fileBytes)
  return Buffer.concat(taken).toString()
}

const refusal = (status, words) => (error) => error.status === status && words.test(error.message)

test('a file is read to the byte, however its body is cut into blocks', () => {
  const content = `\r\n--${BOUNDARY.slice(0, -1)}\r\r\n-`
  for (const step of [1, 2, 3, 7, 50, Infinity]) assert.equal(check([video(content), LAST], { step }), content)
})

test('text before, beside and behind the file is taken', () => {
  assert.equal(check(['preamble\r\n', part('title', 'x'), video('abc'), part('more', ''), LAST, 'behind']), 'abc')
})

test('the limit is taken, one byte more is not, and is told before its part ends', () => {
  assert.equal(check([video('x'.repeat(1000)), LAST]).length, 1000)
  const found = new MultipartReader(BOUNDARY, 1000, () => {})
  found.push(video('x'.repeat(1000)).subarray(0, -2))
  assert.throws(() => found.push(Buffer.from('x')), refusal(413, /larger than 1000/))
})

const REFUSED = [
  ['no part of the name', [part('title', 'x'), LAST], /no part named video/],
  ['two files of the name', [video(), video(), LAST], /two parts/],
  ['another file', [part('other', 'x', { file: 'x.mp4' }), video(), LAST], /other than video/],
  ['another file without a name', [part('other', 'x', { file: '' }), video(), LAST], /other than video/],
  ['no file name', [part('video', 'x'), LAST], /no file name/],
  ['an empty file name', [part('video', 'x', { file: '' }), LAST], /no file name/],
  ['an empty file', [video(''), LAST], /empty/],
  ['no closing boundary', [video()], /ends before/],
  ['nothing', [], /ends before/],
  ['too many parts', [...Array.from({ length: 16 }, (_, index) => part(`p${index}`, '')), video(), LAST], /too many parts/],
  ['too much text', [part('title', 'x'.repeat(64 * KIB + 1)), video(), LAST], /too much text/],
  ['too much text in several parts', [...Array(4).fill(part('t', 'x'.repeat(17 * KIB))), video(), LAST], /too much text/],
  ['too much before the first part', ['x'.repeat(65 * KIB), '\r\n', video(), LAST], /too much text/],
  ['too much behind the last part', [video(), LAST, 'x'.repeat(65 * KIB)], /too much text/],
  ['a header that is too long', [part('title', 'x', { header: `X: ${'x'.repeat(16 * KIB)}\r\n` }), video(), LAST], /header is too long/],
  ['a header without an end', [`--${BOUNDARY}\r\nX: ${'x'.repeat(17 * KIB)}`], /header is too long/],
  ['a header that is none', [`--${BOUNDARY}\r\nnothing here\r\n\r\nx\r\n`, LAST], /malformed/],
  ['a part without a name', [`--${BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nx\r\n`, LAST], /no name/],
  ['a boundary that goes on', [video(`x\r\n--${BOUNDARY}more`), LAST], /neither/],
]

for (const [name, body, words] of REFUSED) {
  test(`refused: ${name}`, () => {
    assert.throws(() => check(body), refusal(400, words))
    assert.throws(() => check(body, { step: 13 }), refusal(400, words))
  })
}

test('sixteen parts and 64 kB of text are taken', () => {
  assert.equal(check([...Array.from({ length: 15 }, () => part('t', 'x'.repeat(4 * KIB))), video('ab'), LAST]), 'ab')
})

test('any file name that is one is taken', () => {
  for (const file of ['.', '..', 'x/', ' ', 'a\\"b', 'a"b', 'C:\\x\\', '\x1b[2J', '","level":"error"', 'a; name="other', 'a\nb']) {
    assert.equal(check([part('video', 'x', { file }), LAST]), 'x', file)
  }
  const otherwise = [
    'name=video; filename=x', 'filename="x"; name="video"', `name="video"; filename*=UTF-8''x`, 'NAME="video";filename="x"',
  ]
  for (const parameters of otherwise) {
    assert.equal(check([`--${BOUNDARY}\r\ncontent-disposition: Form-Data; ${parameters}\r\n\r\nx\r\n`, LAST]), 'x', parameters)
  }
})

test('the boundary is read from the content type', () => {
  assert.equal(boundaryOf('multipart/form-data; boundary=abc'), 'abc')
  assert.equal(boundaryOf('Multipart/Form-Data; charset=utf-8; boundary="a b"'), 'a b')
  assert.throws(() => boundaryOf('multipart/form-data'), refusal(400, /no boundary/))
  assert.throws(() => boundaryOf('multipart/form-data; boundary='), refusal(400, /no boundary/))
  assert.throws(() => boundaryOf('multipart/mixed; boundary=abc'), refusal(415, /form-data/))
  assert.throws(() => boundaryOf(undefined), refusal(415, /form-data/))
})
