import assert from 'node:assert/strict'
import test, { before, describe } from 'node:test'

import { LAST, Raw, uploadHead, video } from './helpers/raw.js'
import { fakeFfmpeg, makeFilm, startService, suiteScope, until } from './helpers/service.js'

const MIB = 1024 * 1024

describe('routes', () => {
  const scope = suiteScope()
  let service
  before(async () => {
    service = await startService(scope)
  })

  test('health tells what runs', async () => {
    const health = await service.json('/health')
    assert.equal(health.status, 'ok')
    assert.equal(health.backend, 'node')
    assert.match(health.version, /^[0-9.]+$/)
    assert.match(health.ffmpeg, /[0-9]/)
  })

  test('paths are matched to the letter', async () => {
    const others = ['/', '/HEALTH', '/health/', '/uploads/', '/jobs/short', '/jobs/aaaaaaaaaaaaaaaa/clips/01', '/%68ealth', '//health']
    for (const where of others) {
      const answer = await service.request(where)
      assert.equal(answer.status, 404, where)
      assert.equal(answer.headers.get('content-type'), 'application/problem+json')
    }
    assert.equal((await service.request('/health?x=1')).status, 200)
    const get = (target) => new Raw(service.port).send(`GET ${target} HTTP/1.1\r\nHost: here\r\n\r\n`).status()
    assert.equal(await get('/health#x'), 404)
    assert.equal(await get('http://here/health'), 200)
  })

  test('a wrong method is told the right ones', async () => {
    const allowed = {
      '/uploads': 'POST', '/jobs': 'POST', '/health': 'GET', '/metrics': 'GET', '/uploads/aaaaaaaaaaaaaaaa': 'DELETE',
      '/jobs/aaaaaaaaaaaaaaaa': 'GET, DELETE', '/jobs/aaaaaaaaaaaaaaaa/clips/1': 'GET, HEAD',
    }
    for (const [where, methods] of Object.entries(allowed)) {
      for (const method of ['PUT', 'OPTIONS', 'PATCH']) {
        const answer = await service.request(where, { method })
        assert.equal(answer.status, 405, `${method} ${where}`)
        assert.equal(answer.headers.get('allow'), methods)
      }
    }
    assert.equal((await service.request('/health', { method: 'HEAD' })).status, 405)
  })

  test('what is no request is refused, and the service goes on', async () => {
    const texts = ['nonsense\r\n\r\n', 'GET / HTTP/1.1\r\nHost: here\r\nX: \x01\r\n\r\n', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n\r\n`]
    for (const text of texts) {
      assert.ok(await new Raw(service.port).send(text).status() >= 400)
    }
    for (const text of ['GET /health HTTP/1.1\r\n\r\n', 'CONNECT /health HTTP/1.1\r\nHost: here\r\n\r\n']) {
      const client = new Raw(service.port).send(text)
      assert.ok(await client.status() >= 400)
      assert.match(client.text, /application\/problem\+json/)
      client.socket.resetAndDestroy()
    }
    const expecting = 'GET /health HTTP/1.1\r\nHost: here\r\nExpect: something\r\n\r\n'
    assert.equal(await new Raw(service.port).send(expecting).status(), 200)
    assert.equal((await service.request('/health')).status, 200)
  })

  test('whoever closes their own side after a whole request is answered', async () => {
    const content = Buffer.alloc(2 * MIB)
    const length = video(content).length + LAST.length
    const client = new Raw(service.port).send(uploadHead(`Content-Length: ${length}`), video(content), LAST)
    client.socket.end()
    assert.equal(await client.status(), 201)
    await client.closed
  })

  test('an unwanted body is dropped after the answer', async () => {
    const client = new Raw(service.port).send(`POST /nowhere HTTP/1.1\r\nHost: here\r\nContent-Length: ${8 * MIB}\r\n\r\n`)
    assert.equal(await client.status(3000), 404)
    client.send(Buffer.alloc(8 * MIB))
    await client.closed
    assert.equal((await service.request('/metrics', { method: 'GET' })).status, 200)
  })
})

describe('clients that stand still', () => {
  const scope = suiteScope()
  let service
  before(async () => {
    service = await startService(scope, { STALL_TIMEOUT_S: '1', FFMPEG: fakeFfmpeg(scope, `
with open(out, "wb") as clip: clip.truncate(${64 * MIB})
print("frame=1")`) })
  })

  test('with a head are sent away', async () => {
    const clients = ['', 'GET /hea', 'GET /health HTTP/1.1\r\nHost: he'].map((text) => new Raw(service.port).send(text))
    const from = Date.now()
    await Promise.all(clients.map(({ closed }) => closed))
    assert.ok(Date.now() - from < 5000)
  })

  test('with an answer are sent away, and leave no descriptor', async () => {
    const job = await service.orderClips(await service.upload(makeFilm()), [0, 1])
    await service.ended(job)
    const before_ = service.descriptors()
    const client = new Raw(service.port)
    client.socket.pause()
    client.send(`GET /jobs/${job}/clips/1 HTTP/1.1\r\nHost: here\r\n\r\n`)
    await until(() => service.descriptors() > before_)
    await until(() => service.descriptors() <= before_, 5000)
    client.socket.destroy()
    const whole = await service.request(`/jobs/${job}/clips/1`)
    assert.equal((await whole.arrayBuffer()).byteLength, 64 * MIB)
  })
})

describe('the end', () => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    test(`${signal} ends everything, whatever clients do`, async (t) => {
      const service = await startService(t, { FFMPEG: fakeFfmpeg(t, 'time.sleep(600)') })
      await service.orderClips(await service.upload(makeFilm()), [0, 1])
      const uploading = new Raw(service.port).send(uploadHead('Content-Length: 90000'), video('x'))
      new Raw(service.port).send('GET /hea')
      await until(() => service.metric('ffmpeg_processes'))
      const from = Date.now()
      assert.equal(await service.stop(signal), 0)
      assert.ok(Date.now() - from < 10_000)
      assert.equal(await uploading.status(), 503)
      assert.match(uploading.text, /Retry-After: [0-9]+/)
      assert.equal(service.logs.at(-1).event, 'stopped')
      for (const line of service.logs) assert.ok(line.time && line.level && line.event)
    })
  }

  test('sends many uploads away, and warns of nothing', async (t) => {
    const service = await startService(t)
    const uploads = Array.from({ length: 12 }, () => new Raw(service.port).send(uploadHead('Content-Length: 90000'), video('x')))
    await until(() => service.files().length === 12)
    assert.equal(await service.stop(), 0)
    for (const upload of uploads) assert.equal(await upload.status(), 503)
    assert.equal(service.stderr(), '')
  })

  test('with nothing to do is at once', async (t) => {
    const service = await startService(t)
    const head = uploadHead(`Content-Length: ${video().length + LAST.length}`)
    assert.equal(await new Raw(service.port).send(head, video(), LAST).status(), 201)
    const from = Date.now()
    assert.equal(await service.stop(), 0)
    assert.ok(Date.now() - from < 2000)
  })
})
