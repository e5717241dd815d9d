import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import test, { before, describe } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { BOUNDARY, LAST, Raw, chunk, part, uploadHead, video } from './helpers/raw.js'
import { folderFor, startService, suiteScope, until } from './helpers/service.js'

const MIB = 1024 * 1024
const nothingLeft = (service) => until(() => service.files().length === 0, 2000)

function post(service, body, headers = {}) {
  return service.request('/uploads', {
    method: 'POST', headers: { 'Content-Type': `multipart/form-data; boundary=${BOUNDARY}`, ...headers }, body: Buffer.concat(body),
  })
}

async function problem(answer) {
  assert.equal(answer.headers.get('content-type'), 'application/problem+json')
  const told = await answer.json()
  assert.equal(told.status, answer.status)
  assert.ok(told.title && told.detail)
  assert.doesNotMatch(JSON.stringify(told), /\/tmp|\.js|node_modules/)
  return told
}

for (const uploadTo of ['disk', 'memory', 'tmp']) {
  describe(`an upload to ${uploadTo}`, () => {
    const scope = suiteScope()
    let service
    let temporary
    before(async () => {
      temporary = folderFor(scope)
      service = await startService(scope, { UPLOAD_TO: uploadTo, TMPDIR: temporary, MAX_UPLOAD_BYTES: String(MIB) })
    })

    test('is stored whole, under a name of its own', async () => {
      const content = Buffer.alloc(MIB, 'a film of a length that no block has ')
      const answer = await post(service, [part('title', 'x'), part('video', content, { file: '../../etc/passwd' }), LAST])
      assert.equal(answer.status, 201)
      const { id, bytes } = await answer.json()
      assert.equal(bytes, MIB)
      assert.equal(answer.headers.get('location'), `/uploads/${id}`)
      assert.match(id, /^[A-Za-z0-9_-]{16,64}$/)
      assert.deepEqual(service.files(), [id])
      assert.ok(readFileSync(path.join(service.folder, 'uploads', id)).equals(content))
      assert.equal((await service.request(`/uploads/${id}`, { method: 'DELETE' })).status, 204)
      assert.equal((await service.request(`/uploads/${id}`, { method: 'DELETE' })).status, 404)
      assert.deepEqual(service.files(), [])
    })

    test('that is refused leaves nothing', async () => {
      const cases = [
        [413, [part('video', Buffer.alloc(MIB + 1), { file: 'x' }), LAST]],
        [400, [video('x'), video('y'), LAST]],
        [400, [video('x'), part('other', 'y', { file: 'y' }), LAST]],
        [400, [video('x')]],
        [400, [part('video', 'x'), LAST]],
        [400, [part('a[b][0]', 'x'), LAST]],
      ]
      for (const [status, body] of cases) {
        const answer = await post(service, body)
        assert.equal(answer.status, status)
        await problem(answer)
      }
      await nothingLeft(service)
      assert.deepEqual(readdirSync(temporary), [])
    })

    test('that breaks off leaves nothing, and no descriptor', async () => {
      const before_ = service.descriptors()
      for (let count = 0; count < 10; count += 1) {
        const client = new Raw(service.port).send(uploadHead('Content-Length: 900000'), video(Buffer.alloc(200_000)).subarray(0, -2))
        if (uploadTo === 'disk') await until(() => service.files().length > 0)
        else await pause(30)
        client.socket.destroy()
      }
      await nothingLeft(service)
      await until(() => readdirSync(temporary).length === 0, 2000)
      await until(() => service.descriptors() <= before_, 2000)
    })
  })
}

describe('uploads', () => {
  const scope = suiteScope()
  let service
  before(async () => {
    service = await startService(scope, { MAX_UPLOAD_BYTES: String(MIB), STALL_TIMEOUT_S: '2' })
  })

  test('another content type, an encoding, and no body are told apart', async () => {
    const post_ = (headers, body) => service.request('/uploads', { method: 'POST', headers, body })
    const type = { 'Content-Type': `multipart/form-data; boundary=${BOUNDARY}` }
    assert.equal((await post_({ 'Content-Type': 'video/mp4' }, 'x')).status, 415)
    assert.equal((await post_({ 'Content-Type': 'multipart/form-data' }, 'x')).status, 400)
    assert.equal((await post_({ ...type, 'Content-Encoding': 'gzip' }, 'x')).status, 415)
    assert.equal((await post_(type)).status, 400)
  })

  test('too long a Content-Length is refused before the body comes', async () => {
    const client = new Raw(service.port).send(uploadHead(`Content-Length: ${2 * MIB + 1}`))
    assert.equal(await client.status(1000), 413)
  })

  test('Expect: 100-continue is answered by the refusal alone', async () => {
    const refused = new Raw(service.port).send(uploadHead(`Content-Length: ${3 * MIB}\r\nExpect: 100-continue`))
    assert.equal(await refused.status(1000), 413)
    const taken = new Raw(service.port).send(uploadHead(`Content-Length: ${video().length + LAST.length}\r\nExpect: 100-continue`))
    assert.equal(await taken.status(1000), 100)
    taken.send(video(), LAST)
    await until(() => taken.text.includes('201 Created'), 2000)
  })

  test('the limit is enforced on chunks while the body goes on, and the client can read the refusal', async () => {
    const kept = service.files().length
    const client = new Raw(service.port).send(uploadHead('Transfer-Encoding: chunked'))
    client.send(chunk(video(Buffer.alloc(MIB + 1)).subarray(0, -2)))
    assert.equal(await client.status(1000), 413)
    for (let count = 0; count < 20; count += 1) client.send(chunk(Buffer.alloc(MIB)))
    client.send(chunk(''))
    await client.closed
    assert.match(client.text, /larger than/)
    await until(() => service.files().length === kept, 2000)
  })

  test('a refusal does not wait for the end of the body, which is dropped for 5 s at most', async () => {
    const client = new Raw(service.port).send(uploadHead('Content-Length: 500000'), part('video', 'x'))
    assert.equal(await client.status(3000), 400)
    const from = Date.now()
    await client.closed
    assert.ok(Date.now() - from < 8000)
  })

  test('one that stands still is given up, one that is slow is taken', async () => {
    const slow = new Raw(service.port)
    const content = Buffer.alloc(8000, 'x')
    slow.send(uploadHead('Transfer-Encoding: chunked'), chunk(video(content).subarray(0, 150)))
    const still = new Raw(service.port).send(uploadHead('Content-Length: 5000'), video('x'))
    const drip = new Raw(service.port).send(uploadHead('Content-Length: 5000'), video('x').subarray(0, -2))
    const dripping = setInterval(() => drip.send('x'), 100)
    const from = Date.now()
    const rest = video(content).subarray(150)
    for (let at = 0; at < rest.length; at += 1500) {
      await pause(500)
      slow.send(chunk(rest.subarray(at, at + 1500)))
    }
    await Promise.all([still.closed, drip.closed])
    clearInterval(dripping)
    slow.send(chunk(LAST), '0\r\n\r\n')
    assert.equal(await slow.status(), 201)
    assert.ok(Date.now() - from > 2500, 'longer than one may stand still')
    for (const client of [still, drip]) assert.equal(await client.status(), 408)
    slow.socket.destroy()
  })

  test('a body that is cut short by a half-closed connection is no upload', async () => {
    const before_ = service.files().length
    const client = new Raw(service.port).send(uploadHead('Content-Length: 5000'), video('x'))
    await pause(50)
    client.socket.end()
    assert.equal(await client.status(), 400)
    await until(() => service.files().length === before_, 2000)
  })
})

test('a full disk is 507, and nothing is left', async (t) => {
  const service = await startService(t)
  // A limit on the size of files stands for a disk without space, which only root could mount.
  execFileSync('prlimit', ['--pid', String(service.child.pid), '--fsize=100000'])
  const answer = await post(service, [part('video', Buffer.alloc(MIB), { file: 'x' }), LAST])
  assert.equal(answer.status, 507)
  await problem(answer)
  await nothingLeft(service)
})

test('what an earlier life left is removed, links as links', async (t) => {
  const [folder, elsewhere] = [folderFor(t), folderFor(t)]
  writeFileSync(path.join(elsewhere, 'kept'), 'x')
  mkdirSync(path.join(folder, 'uploads/old/deep'), { recursive: true })
  mkdirSync(path.join(folder, 'clips'))
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/uploads/`), Buffer.from([0xff, 0xfe])]), 'x')
  symlinkSync(elsewhere, path.join(folder, 'clips/link'))
  writeFileSync(path.join(folder, 'of-the-user'), 'x')
  const service = await startService(t, { DATA_DIR: folder })
  assert.deepEqual(service.files(), [])
  assert.deepEqual(readdirSync(folder).sort(), ['clips', 'of-the-user', 'uploads'])
  assert.deepEqual(readdirSync(elsewhere), ['kept'])
})

test('unused uploads are removed after KEEP_S', async (t) => {
  const service = await startService(t, { KEEP_S: '1.5' })
  const from = Date.now()
  const { id } = await (await post(service, [video(), LAST])).json()
  await until(() => service.files().length === 0)
  assert.ok(Date.now() - from > 1400, 'not before its time')
  assert.equal((await service.request(`/uploads/${id}`, { method: 'DELETE' })).status, 404)
})
