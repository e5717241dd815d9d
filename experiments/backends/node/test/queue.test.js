import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import test, { before, describe } from 'node:test'

import { DONE, HANG, fakeFfmpeg, folderFor, hangingPid, makeFilm, startService, suiteScope, until } from './helpers/service.js'

describe('orders', () => {
  const scope = suiteScope()
  let service
  let film
  before(async () => {
    service = await startService(scope, { FFMPEG: fakeFfmpeg(scope, HANG), QUEUE_LIMIT: '2', MAX_CLIPS: '2' })
    film = await service.upload(makeFilm())
  })

  test('what is no order is told by what is wrong', async () => {
    const clip = { start_s: 0, duration_s: 1 }
    const status = async (body, type = 'application/json') => {
      const answer = await service.request('/jobs', { method: 'POST', headers: { 'Content-Type': type }, body })
      assert.equal(answer.headers.get('content-type'), 'application/problem+json')
      return answer.status
    }
    assert.equal(await status('{'), 400)
    assert.equal(await status(Buffer.from([0xff])), 400)
    assert.equal(await status('['.repeat(100_000)), 400)
    assert.equal(await status('{"upload": "x", "clips": [{"start_s": NaN, "duration_s": 1}]}'), 400)
    assert.equal(await status('{"upload": "x", "clips": [{"start_s": 1e309, "duration_s": 1}]}'), 422)
    assert.equal(await status(JSON.stringify({ upload: film, clips: [clip, clip, clip] })), 422)
    assert.equal(await status(JSON.stringify({ upload: 'a'.repeat(22), clips: [clip] })), 404)
    assert.equal(await status(JSON.stringify({ upload: film, clips: [clip] }), 'text/plain'), 415)
    assert.equal(await status(`"${'x'.repeat(1024 * 1024)}"`), 413)
  })

  test('a full queue is 503 with Retry-After, and jobs wait in order', async () => {
    const first = await service.orderClips(film, [0, 1])
    const second = await service.orderClips(film, [0, 1])
    const refused = await service.order({ upload: film, clips: [{ start_s: 0, duration_s: 1 }] })
    assert.equal(refused.status, 503)
    assert.match(refused.headers.get('retry-after'), /^[0-9]+$/)
    await hangingPid(service)
    assert.equal((await service.json(`/jobs/${second}`)).status, 'queued')
    assert.equal(await service.metric('jobs{status="queued"}'), 1)
    await service.request(`/jobs/${first}`, { method: 'DELETE' })
    await until(async () => (await service.json(`/jobs/${second}`)).status === 'running')
    await service.request(`/jobs/${second}`, { method: 'DELETE' })
  })
})

test('as many at once as allowed, and no more', async (t) => {
  const folder = folderFor(t)
  const [noted, released] = [path.join(folder, 'times'), path.join(folder, 'released')]
  writeFileSync(noted, '')
  const held = `
with open(${JSON.stringify(noted)}, "a") as times: times.write("+")
while not os.path.exists(${JSON.stringify(released)}): time.sleep(0.01)
with open(${JSON.stringify(noted)}, "a") as times: times.write("-")
${DONE}`
  const service = await startService(t, { FFMPEG: fakeFfmpeg(t, held), MAX_CONCURRENT: '3' })
  const upload = await service.upload(makeFilm())
  const jobs = [await service.orderClips(upload, [0, 1], [1, 1], [2, 1], [3, 1]), await service.orderClips(upload, [0, 1], [1, 1])]
  await until(() => readFileSync(noted, 'utf8') === '+++')
  writeFileSync(released, '')
  for (const job of jobs) assert.equal((await service.ended(job)).status, 'done')
  let now = 0
  const most = Math.max(...[...readFileSync(noted, 'utf8')].map((sign) => (now += sign === '+' ? 1 : -1)))
  assert.equal(most, 3)
})

test('ended jobs are removed after KEEP_S', async (t) => {
  const service = await startService(t, { FFMPEG: fakeFfmpeg(t, DONE), KEEP_S: '1.5' })
  const job = await service.orderClips(await service.upload(makeFilm()), [0, 1])
  const told = await service.ended(job)
  await until(async () => (await service.request(`/jobs/${job}`)).status === 404)
  assert.ok(Date.now() / 1000 - told.clips[0].ended_s > 1.4, 'not before its time')
  await until(() => service.files().length === 0)
})
