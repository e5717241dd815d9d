import assert from 'node:assert/strict'
import test from 'node:test'

import { FORMATS, argvOf, cutWords, exactSeconds } from '../src/argv.js'
import { readConfig } from '../src/config.js'
import { framesIn, outcomeOf, reasonIn } from '../src/outcome.js'
import { checkedOrder } from '../src/orders.js'
import { rangeOf } from '../src/ranges.js'

const GUARD = `-hide_banner -nostdin -loglevel error -protocol_whitelist file -format_whitelist ${FORMATS}`

function line(environment) {
  const config = readConfig({ DATA_DIR: '/data', ...environment })
  return argvOf(cutWords(config, { upload: 'IN', out: 'OUT', startS: 1.5, durationS: 12 })).join(' ')
}

test('the words are those of the contract', () => {
  assert.equal(line({}), `${GUARD} -ss 1.500000 -i IN -y -t 12.000000 -map 0:v:0 -map 0:a:0? -c:v libx264 -preset ultrafast \
-threads 1 -c:a copy -movflags +faststart -abort_on empty_output -progress pipe:1 -f mp4 OUT`)
  assert.equal(line({ SEEK: 'output', PRESET: 'veryfast', CRF: '23', ENCODER_THREADS: '4', DECODER_THREADS: '2' }),
    `${GUARD} -threads 2 -i IN -y -ss 1.500000 -t 12.000000 -map 0:v:0 -map 0:a:0? -c:v libx264 -preset veryfast -crf 23 \
-threads 4 -c:a copy -movflags +faststart -abort_on empty_output -progress pipe:1 -f mp4 OUT`)
})

test('as sketched, the words are those of the analysis behind the guard', () => {
  assert.equal(line({ ARGV: 'sketched', SEEK: 'output', DECODER_THREADS: '2' }),
    `${GUARD} -ss 1.500000 -i IN -y -t 12.000000 -c:v libx264 -preset ultrafast -c:a copy -threads 1 OUT`)
})

test('seconds are whole microseconds with six decimals', () => {
  const written = [0, -0, 0.1, 0.0078125, 1e-7, 1e7, 0.1 + 0.2, 123.456789, 5e-7].map(exactSeconds)
  assert.deepEqual(written, [
    '0.000000', '0.000000', '0.100000', '0.007813', '0.000000', '10000000.000000', '0.300000', '123.456789', '0.000001',
  ])
})

const ORDER = { upload: 'x', clips: [{ start_s: 0, duration_s: 1 }] }

test('an order of the right shape is taken', () => {
  assert.deepEqual(checkedOrder(ORDER, 1), { upload: 'x', clips: [{ startS: 0, durationS: 1 }] })
})

const WRONG = {
  'no object': [null, 1, 'x', [], true],
  'other keys': [{}, { upload: 'x' }, { ...ORDER, more: 1 }, JSON.parse('{"upload":"x","clips":[],"__proto__":1}')],
  'another upload': [{ ...ORDER, upload: 1 }, { ...ORDER, upload: null }],
  'other clips': [[], {}, null, [1], [null], [[]], [{ start_s: 0 }], [{ start_s: 0, duration_s: 1, more: 1 }],
    Array(3).fill(ORDER.clips[0])].map((clips) => ({ ...ORDER, clips })),
  'other numbers': [['1', 1], [true, 1], [null, 1], [-0.1, 1], [Infinity, 1], [1e7 + 1, 1], [0, 0], [0, -1], [0, 1e8], [0, '1'], [0, []]]
    .map(([start_s, duration_s]) => ({ ...ORDER, clips: [{ start_s, duration_s }] })),
}

for (const [name, orders] of Object.entries(WRONG)) {
  test(`an order with ${name} is refused`, () => {
    for (const order of orders) {
      assert.throws(() => checkedOrder(order, 2), (error) => error.status === 422, JSON.stringify(order))
    }
  })
}

test('one range is served, what is none is ignored', () => {
  const served = { 'bytes=0-3': [0, 3], 'bytes=5-': [5, 9], 'bytes=-4': [6, 9], 'bytes=-99': [0, 9], 'bytes=8-99': [8, 9] }
  for (const [header, [first, last]] of Object.entries(served)) assert.deepEqual(rangeOf(header, 10), { first, last }, header)
  for (const header of ['bytes=10-', 'bytes=-0', 'bytes=99999999999999-']) assert.equal(rangeOf(header, 10), 'unsatisfiable', header)
  for (const header of [undefined, '', 'bytes=', 'bytes=-', 'bytes=3-1', 'bytes=0-1,3-4', 'bytes=1a-2', 'lines=0-1', '0-1']) {
    assert.equal(rangeOf(header, 10), null, header)
  }
})

test('the reason is the first line that explains, without paths', () => {
  const paths = [['/data x/uploads/abc', 'the upload']]
  assert.equal(reasonIn('\n[mov,mp4 @ 0x55d] moov atom not found\n/data x/uploads/abc: Invalid data\n', paths), 'moov atom not found')
  assert.equal(reasonIn('/data x/uploads/abc: Invalid data found\n', paths), 'the upload: Invalid data found')
  assert.equal(reasonIn("cannot open '/etc/passwd': I/O error", paths), "cannot open '…': I/O error")
  assert.equal(reasonIn('x'.repeat(5000), paths).length, 1000)
  assert.equal(reasonIn('  \n--\n', paths), null)
})

test('how ffmpeg ended decides what became of the clip', () => {
  const ended = { code: 0, signal: null, error: null, stderr: '' }
  const status = (end, more) => outcomeOf({ ...ended, ...end }, { timedOut: false, pictures: 75, paths: [], ...more }).status
  assert.equal(status({}), 'ok')
  assert.equal(status({}, { pictures: 0 }), 'failed')
  assert.equal(status({ code: 137 }), 'failed')
  assert.equal(status({ code: null, signal: 'SIGKILL' }), 'killed')
  assert.equal(status({ code: null, signal: 'SIGKILL' }, { timedOut: true }), 'timeout')
})

test('the last progress report tells the pictures', () => {
  assert.equal(framesIn('frame=0\nprogress=continue\nframe=  75\nprogress=end\n'), 75)
  assert.equal(framesIn('progress=end\n'), 0)
  assert.equal(framesIn(''), 0)
})
