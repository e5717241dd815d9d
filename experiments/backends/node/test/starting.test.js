import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import test from 'node:test'

import { ConfigError, readConfig } from '../src/config.js'
import { MAIN, fakeFfmpeg, folderFor, startService } from './helpers/service.js'

function start(env) {
  return spawnSync(process.execPath, [MAIN], { env: { ...process.env, PORT: '0', ...env }, encoding: 'utf8', timeout: 15_000 })
}

const SENSELESS = {
  BIND: ['', 'nowhere', '300.1.1.1'], PORT: ['', 'x', '-1', '65536', '1.5', ' 80', '0x50', '1e3'], DATA_DIR: [''], FFMPEG: [''],
  MAX_CONCURRENT: ['0', '-1', 'x', '1.5', '1_0'], SEEK: ['', 'both'], PRESET: ['quick'], CRF: ['', '-1', '52', 'x', 'NaN'],
  ENCODER_THREADS: ['x', '-1', '129'], DECODER_THREADS: ['', 'x'], ARGV: ['other'], MAX_UPLOAD_BYTES: ['0', '2GiB', '99999999999999999999'],
  MAX_CLIPS: ['0'], QUEUE_LIMIT: ['0'], CLIP_TIMEOUT_S: ['0', 'x', '-1', 'Infinity', '1e9'], STALL_TIMEOUT_S: ['0'],
  KEEP_S: ['', '0'], UPLOAD_TO: ['cloud'], FFMPEG_WRAPPER: ['shell'],
}

for (const [name, values] of Object.entries(SENSELESS)) {
  test(`senseless values of ${name} are refused by its name`, () => {
    for (const value of values) {
      assert.throws(() => readConfig({ DATA_DIR: '/data', [name]: value }),
        (error) => error instanceof ConfigError && error.message.startsWith(name), `${name}=${value}`)
    }
  })
}

test('the defaults are those of the contract', () => {
  const config = readConfig({ DATA_DIR: '/data' })
  const { bind, port, maxConcurrent, seek, preset, crf } = config
  assert.deepEqual([bind, port, maxConcurrent, seek, preset, crf], ['127.0.0.1', 3000, 1, 'input', 'ultrafast', null])
  assert.deepEqual([config.encoderThreads, config.decoderThreads, config.maxUploadBytes, config.maxClips], [1, null, 2147483648, 100])
  assert.deepEqual([config.queueLimit, config.clipTimeoutMs, config.stallTimeoutMs, config.keepMs], [100, 600e3, 60e3, 3600e3])
  assert.deepEqual([config.argv, config.uploadTo, config.wrapper], ['same', 'disk', 'fluent-ffmpeg'])
})

test('a CRF is a word of the argv as it was written', () => {
  assert.equal(readConfig({ DATA_DIR: '/data', CRF: '23.0' }).crf, '23.0')
})

test('long times are taken, and no timer overflows', () => {
  const config = readConfig({ DATA_DIR: '/data', CLIP_TIMEOUT_S: '31536000', STALL_TIMEOUT_S: '31536000', KEEP_S: '31536000' })
  assert.equal(config.keepMs, 31536000e3)
  for (const timeoutMs of [config.clipTimeoutMs, config.stallTimeoutMs]) assert.ok(timeoutMs > 2e9 && timeoutMs + 1000 < 2 ** 31)
})

test('a senseless value ends the start with 2 and one line', () => {
  const ended = start({ DATA_DIR: '/data', PORT: 'x' })
  assert.equal(ended.status, 2)
  assert.match(ended.stderr, /^PORT .*\n$/)
  assert.equal(ended.stdout, '')
})

test('a DATA_DIR that cannot be one is told', (t) => {
  const file = path.join(folderFor(t), 'file')
  writeFileSync(file, '')
  for (const folder of [file, '/proc', '/proc/none/at/all']) {
    const ended = start({ DATA_DIR: folder })
    assert.equal(ended.status, 2, folder)
    assert.match(ended.stderr, /^DATA_DIR .*\n$/)
  }
})

test('a DATA_DIR is made with those above it', async (t) => {
  const folder = path.join(folderFor(t), 'one', 'two')
  assert.deepEqual((await startService(t, { DATA_DIR: folder })).files(), [])
})

test('an ffmpeg that cannot run, fails, or hangs is told at the start', (t) => {
  const hanging = path.join(folderFor(t), 'hanging')
  writeFileSync(hanging, '#!/bin/sh\nsleep 600\n', { mode: 0o755 })
  for (const program of ['/no/such/program', 'false', hanging]) {
    const ended = start({ DATA_DIR: folderFor(t), FFMPEG: program })
    assert.equal(ended.status, 2, program)
    assert.match(ended.stderr, /^FFMPEG .*\n$/)
  }
})

test('a second service on a folder does not start, and does not touch it; when the first is gone it does', async (t) => {
  const first = await startService(t, { FFMPEG: fakeFfmpeg(t, 'pass') })
  writeFileSync(path.join(first.folder, 'uploads', 'kept'), '')
  const second = start({ DATA_DIR: first.folder })
  assert.equal(second.status, 1)
  assert.match(second.stderr, /DATA_DIR/)
  assert.deepEqual(first.files(), ['kept'])
  await first.stop('SIGKILL')
  const third = await startService(t, { DATA_DIR: first.folder })
  assert.deepEqual(third.files(), [])
})
