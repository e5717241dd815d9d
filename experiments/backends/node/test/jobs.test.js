import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import test, { before, describe } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import {
  DONE, HANG, fakeFfmpeg, folderFor, hangingPid, makeFilm, makeFilmWithOtherSound, picturesIn, startService, suiteScope, until,
} from './helpers/service.js'

/** Whether the processes of a group are gone. */
function gone(pid) {
  try {
    process.kill(pid, 0)
    return /^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return true
  }
}

/** The most memory that the service's own process has had so far. */
function peakBytes(service) {
  return Number(/^VmHWM:\s+([0-9]+) kB/m.exec(readFileSync(`/proc/${service.child.pid}/status`, 'utf8'))[1]) * 1024
}

for (const wrapper of ['fluent-ffmpeg', 'child_process']) {
  describe(`clips by ${wrapper}`, () => {
    const scope = suiteScope()
    let service
    let film
    before(async () => {
      service = await startService(scope, { FFMPEG_WRAPPER: wrapper })
      film = await service.upload(makeFilm())
    })

    test('are cut, told, and served whole and in parts', async (t) => {
      const from = Date.now() / 1000
      const job = await service.orderClips(film, [1, 2], [3.2, 1])
      const told = await service.ended(job)
      assert.equal(told.status, 'done')
      assert.deepEqual(Object.keys(told), ['id', 'upload', 'status', 'created_s', 'clips'])
      const [first, second] = told.clips
      assert.deepEqual(Object.keys(first),
        ['number', 'start_s', 'duration_s', 'status', 'error', 'bytes', 'url', 'started_s', 'ended_s'])
      assert.ok(from - 1 < told.created_s && told.created_s <= first.started_s && first.started_s < first.ended_s)
      assert.ok(first.ended_s <= second.started_s, 'one at a time')

      const whole = await service.request(first.url)
      assert.equal(whole.status, 200)
      assert.equal(whole.headers.get('content-type'), 'video/mp4')
      assert.equal(whole.headers.get('accept-ranges'), 'bytes')
      const bytes = Buffer.from(await whole.arrayBuffer())
      assert.equal(bytes.length, first.bytes)
      const file = path.join(folderFor(t), 'clip.mp4')
      writeFileSync(file, bytes)
      assert.equal(picturesIn(file), 50)

      const part = await service.request(first.url, { headers: { Range: 'bytes=-10' } })
      assert.equal(part.status, 206)
      assert.equal(part.headers.get('content-range'), `bytes ${first.bytes - 10}-${first.bytes - 1}/${first.bytes}`)
      assert.ok(bytes.subarray(-10).equals(Buffer.from(await part.arrayBuffer())))
      const none = await service.request(first.url, { headers: { Range: `bytes=${first.bytes}-` } })
      assert.equal(none.status, 416)
      assert.equal(none.headers.get('content-range'), `bytes */${first.bytes}`)
      const head = await service.request(first.url, { method: 'HEAD' })
      assert.equal(head.headers.get('content-length'), String(first.bytes))
      const tag = head.headers.get('etag')
      assert.notEqual(tag, (await service.request(second.url, { method: 'HEAD' })).headers.get('etag'))
      assert.equal((await service.request(first.url, { headers: { 'If-None-Match': tag } })).status, 304)
      assert.equal((await service.request(first.url, { headers: { 'If-Range': '"other"', Range: 'bytes=0-1' } })).status, 200)

      assert.equal((await service.request(`/jobs/${job}`, { method: 'DELETE' })).status, 204)
      assert.equal((await service.request(first.url)).status, 404)
      assert.deepEqual(service.files(), [film])
    })

    test('past the end of the film, and of a film without pictures, fail alone and leave nothing', async () => {
      const job = await service.orderClips(film, [100, 2], [1, 1])
      const told = await service.ended(job)
      assert.equal(told.status, 'failed')
      assert.deepEqual(told.clips.map(({ status }) => status), ['failed', 'ok'])
      assert.match(told.clips[0].error, /\w/)
      assert.equal(told.clips[0].url, null)
      assert.equal((await service.request(`/jobs/${job}/clips/1`)).status, 409)
      assert.equal((await service.request(`/jobs/${job}/clips/3`)).status, 404)
      assert.deepEqual(readdirSync(path.join(service.folder, 'clips', job)), ['2.mp4'])
    })

    test('what is no film fails with a reason without paths', async (t) => {
      const file = path.join(folderFor(t), 'x')
      writeFileSync(file, '#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n')
      const told = await service.ended(await service.orderClips(await service.upload(file), [0, 1]))
      assert.equal(told.clips[0].status, 'failed')
      assert.match(told.clips[0].error, /Invalid data/)
      assert.doesNotMatch(told.clips[0].error, /\/|0x/)
    })

    test('sound that MP4 cannot hold fails with the reason', async () => {
      const told = await service.ended(await service.orderClips(await service.upload(makeFilmWithOtherSound()), [0, 1]))
      assert.equal(told.clips[0].status, 'failed')
      assert.match(told.clips[0].error, /codec|tag/i)
    })

    test('the argv is the list of the contract', async (t) => {
      const noted = path.join(folderFor(t), 'argv')
      const program = fakeFfmpeg(t, `open(${JSON.stringify(noted)}, "w").write("\\n".join(argv)); ${DONE}`)
      const other = await startService(t, { FFMPEG: program, FFMPEG_WRAPPER: wrapper })
      const upload = await other.upload(makeFilm())
      await other.ended(await other.orderClips(upload, [0.0078125, 1]))
      const argv = readFileSync(noted, 'utf8').split('\n')
      assert.deepEqual(argv.slice(8, 15), ['-ss', '0.007813', '-i', path.join(other.folder, 'uploads', upload), '-y', '-t', '1.000000'])
      assert.deepEqual(argv.slice(-5, -1), ['-progress', 'pipe:1', '-f', 'mp4'])
    })

    test('one that hangs is ended with its job, at once', async (t) => {
      const other = await startService(t, { FFMPEG: fakeFfmpeg(t, HANG), FFMPEG_WRAPPER: wrapper })
      const upload = await other.upload(makeFilm())
      const job = await other.orderClips(upload, [0, 1], [1, 1])
      const pid = await hangingPid(other)
      assert.equal((await other.json(`/jobs/${job}`)).status, 'running')
      assert.equal((await other.request(`/uploads/${upload}`, { method: 'DELETE' })).status, 409)
      assert.equal(await other.metric('ffmpeg_processes'), 1)
      const from = Date.now()
      assert.equal((await other.request(`/jobs/${job}`, { method: 'DELETE' })).status, 204)
      assert.ok(Date.now() - from < 2000)
      assert.ok(gone(pid))
      assert.equal(await other.metric('clips_total{status="cancelled"}'), 2)
      assert.equal(await other.metric('ffmpeg_processes'), 0)
      assert.deepEqual(other.files(), [upload])
      assert.equal((await other.request(`/uploads/${upload}`, { method: 'DELETE' })).status, 204)
    })

    test('a job can be removed at whatever moment', async () => {
      for (let count = 0; count < 15; count += 1) {
        const job = await service.orderClips(film, [0, 1], [1, 1])
        await pause(count * 10)
        assert.equal((await service.request(`/jobs/${job}`, { method: 'DELETE' })).status, 204)
        assert.equal((await service.request(`/jobs/${job}`)).status, 404)
        assert.ok(!service.files().some((name) => name.includes(job)))
      }
      assert.equal(await service.metric('ffmpeg_processes'), 0)
    })

    test('one that takes too long is a timeout', async (t) => {
      const other = await startService(t, { FFMPEG: fakeFfmpeg(t, HANG), FFMPEG_WRAPPER: wrapper, CLIP_TIMEOUT_S: '1' })
      const told = await other.ended(await other.orderClips(await other.upload(makeFilm()), [0, 1]))
      assert.deepEqual(told.clips.map(({ status }) => status), ['timeout'])
      assert.equal(await other.metric('clip_seconds_count'), 1)
    })

    test('one that is killed from outside is killed, and the next one runs', async (t) => {
      const other = await startService(t, { FFMPEG: fakeFfmpeg(t, HANG), FFMPEG_WRAPPER: wrapper })
      const job = await other.orderClips(await other.upload(makeFilm()), [0, 1], [1, 1])
      const first = await hangingPid(other)
      process.kill(first, 'SIGKILL')
      process.kill(await hangingPid(other, [first]), 'SIGKILL')
      const told = await other.ended(job)
      assert.deepEqual(told.clips.map(({ status }) => status), ['killed', 'killed'])
      assert.match(told.clips[0].error, /SIGKILL/)
      assert.equal(await other.metric('clip_seconds_count'), 2)
    })

    test('a killed service takes its ffmpeg along', async (t) => {
      const other = await startService(t, { FFMPEG: fakeFfmpeg(t, HANG), FFMPEG_WRAPPER: wrapper })
      await other.orderClips(await other.upload(makeFilm()), [0, 1])
      const pid = await hangingPid(other)
      await other.stop('SIGKILL')
      await until(() => gone(pid), 2000)
    })

    test('and what a script in its place has started', async (t) => {
      const parent = `
child = subprocess.Popen(["sleep", "600"])
open(out + ".pid", "w").write(str(child.pid)); time.sleep(600)`
      const other = await startService(t, { FFMPEG: fakeFfmpeg(t, parent), FFMPEG_WRAPPER: wrapper })
      await other.orderClips(await other.upload(makeFilm()), [0, 1])
      const child = await hangingPid(other)
      await other.stop('SIGKILL')
      await until(() => gone(child), 2000)
    })

    test('one that shouts without an end of line costs no memory', async (t) => {
      const shout = `
for _ in range(200):
    os.write(2, b"x" * 1000000)
    os.write(1, b"x" * 1000000)
sys.exit(1)`
      const other = await startService(t, { FFMPEG: fakeFfmpeg(t, shout), FFMPEG_WRAPPER: wrapper })
      const upload = await other.upload(makeFilm())
      const before_ = peakBytes(other)
      const told = await other.ended(await other.orderClips(upload, [0, 1]))
      assert.equal(told.clips[0].error.length, 1000)
      // Kept, either of the two would be 200 MB. V8 lets 64 MiB of read blocks lie before it collects them.
      assert.ok(peakBytes(other) - before_ < 120e6)
    })

    test('its end is its own, not that of what it started', async (t) => {
      const outlived = `
child = subprocess.Popen(["sleep", "600"])
far = subprocess.Popen(["sleep", "600"], start_new_session=True)
open(out, "w").write("clip"); print("frame=1", flush=True)
open(out + ".pids", "w").write(f"{child.pid} {far.pid}")`
      const other = await startService(t, { FFMPEG: fakeFfmpeg(t, outlived), FFMPEG_WRAPPER: wrapper })
      const job = await other.orderClips(await other.upload(makeFilm()), [0, 1])
      assert.equal((await other.ended(job)).status, 'done')
      const file = other.files().find((name) => name.endsWith('.pids'))
      const [child, far] = readFileSync(path.join(other.folder, 'clips', file), 'utf8').split(' ').map(Number)
      t.after(() => process.kill(far, 'SIGKILL'))
      await until(() => gone(child), 2000)
      assert.ok(!gone(far), 'it held the pipes all the while')
    })
  })
}

/** The processes whose words name `folder`. */
function namedBy(folder) {
  return readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder)
    } catch {
      return false
    }
  })
}

test('a service that is killed while it starts an ffmpeg leaves none', async (t) => {
  for (const afterMs of [0, 1, 2, 4, 8, 16]) {
    const service = await startService(t, { FFMPEG: fakeFfmpeg(t, 'time.sleep(600)') })
    await service.orderClips(await service.upload(makeFilm()), [0, 1])
    await pause(afterMs)
    await service.stop('SIGKILL')
    await until(() => namedBy(service.folder).length === 0, 2000)
  }
})

test('as sketched, a clip without a picture fails too', async (t) => {
  const service = await startService(t, { ARGV: 'sketched' })
  const told = await service.ended(await service.orderClips(await service.upload(makeFilm()), [100, 1], [1, 1]))
  assert.deepEqual(told.clips.map(({ status }) => status), ['failed', 'ok'])
})
