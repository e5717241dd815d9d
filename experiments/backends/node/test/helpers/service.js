// The service itself, as a process with a folder of its own, and what tests say to it.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { after } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))

/** What has `after` for the suite that is being described, as a TestContext has for a test. */
export function suiteScope() {
  const ends = []
  after(async () => {
    for (const end of ends) await end()
  })
  return { after: (end) => ends.push(end) }
}

/** A folder that is gone after the test `t` (a TestContext, or what has `after`). */
export function folderFor(t) {
  const folder = newFolder()
  t.after(() => removeFolder(folder))
  return folder
}

function newFolder() {
  return mkdtempSync(path.join(tmpdir(), 'clips-'))
}

function removeFolder(folder) {
  rmSync(folder, { recursive: true, force: true })
}

/** A started service that ends with `t`. `env` is added to its environment. */
export async function startService(t, env = {}) {
  const folder = env.DATA_DIR ?? newFolder()
  const child = spawn(process.execPath, [MAIN], {
    env: { ...process.env, PORT: '0', DATA_DIR: folder, ...env }, stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  t.after(async () => {
    child.kill('SIGKILL')
    await exited // it may be writing
    if (!env.DATA_DIR) removeFolder(folder)
  })
  const logs = []
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => logs.push(JSON.parse(line)))
  let stderr = ''
  child.stderr.on('data', (block) => (stderr += block))
  await Promise.race([once(lines, 'line'), exited])
  assert.equal(logs[0]?.event, 'listening', stderr)
  return new Service({ child, exited, logs, folder, stderr: () => stderr })
}

class Service {
  constructor({ child, exited, logs, folder, stderr }) {
    Object.assign(this, { child, exited, logs, folder, stderr, port: logs[0].port })
    this.url = `http://127.0.0.1:${this.port}`
  }

  request(where, options) {
    return fetch(this.url + where, options)
  }

  async json(where, options) {
    return (await this.request(where, options)).json()
  }

  async upload(file) {
    const form = new FormData()
    form.set('video', new Blob([readFileSync(file)]), 'film.mp4')
    const answer = await this.request('/uploads', { method: 'POST', body: form })
    assert.equal(answer.status, 201)
    return (await answer.json()).id
  }

  order(body) {
    return this.request('/jobs', {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  }

  /** Orders clips, each `[start_s, duration_s]`, and gives the job's id. */
  async orderClips(upload, ...clips) {
    const answer = await this.order({ upload, clips: clips.map(([start_s, duration_s]) => ({ start_s, duration_s })) })
    assert.equal(answer.status, 202)
    return (await answer.json()).id
  }

  async ended(job) {
    return until(async () => {
      const now = await this.json(`/jobs/${job}`)
      return ['done', 'failed'].includes(now.status) && now
    })
  }

  async metric(name) {
    const text = await (await this.request('/metrics')).text()
    return Number(text.split('\n').find((line) => line.startsWith(`${name} `)).slice(name.length))
  }

  /** All files and folders in uploads/ and clips/. */
  files() {
    return ['uploads', 'clips'].flatMap((part) => namesIn(path.join(this.folder, part)))
  }

  /** The open descriptors, by what they are. */
  descriptors() {
    return readdirSync(`/proc/${this.child.pid}/fd`).length
  }

  async stop(signal = 'SIGTERM') {
    this.child.kill(signal)
    const [code, ended] = await this.exited
    return code ?? ended
  }
}

/** All files and folders in a folder and in those; one that is removed meanwhile has nothing in it. */
function namesIn(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => [
      entry.name,
      ...(entry.isDirectory() ? namesIn(path.join(folder, entry.name)).map((name) => path.join(entry.name, name)) : []),
    ])
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
}

/** The first true value of `probe`, within `limitMs`. */
export async function until(probe, limitMs = 30_000) {
  const deadline = Date.now() + limitMs
  for (;;) {
    const found = await probe()
    if (found) return found
    if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms: ${probe}`)
    await pause(20)
  }
}

/** A program of Python for FFMPEG: `cut` runs where clips are to be cut, with `argv` and `out`. */
export function fakeFfmpeg(t, cut) {
  const file = path.join(folderFor(t), 'ffmpeg')
  const body = cut.trim().split('\n').map((line) => `    ${line}`).join('\n')
  writeFileSync(file, `#!/usr/bin/env python3
import os, signal, subprocess, sys, time
argv = sys.argv[1:]
if argv == ["-version"]:
    print("ffmpeg version fake-1")
else:
    out = argv[-1]
${body}
`, { mode: 0o755 })
  return file
}

/** What `fakeFfmpeg` may do: tell its pid and hang, or cut a clip of sorts at once. */
export const HANG = 'open(out + ".pid", "w").write(str(os.getpid())); time.sleep(600)'
export const DONE = 'open(out, "w").write("clip"); print("frame=1"); print("progress=end")'

/** Of an ffmpeg that hangs, none of `but`, once it has told. */
export function hangingPid(service, but = []) {
  return until(() => service.files().filter((name) => name.endsWith('.pid'))
    .map((name) => Number(readFileSync(path.join(service.folder, 'clips', name), 'utf8')))
    .find((pid) => pid && !but.includes(pid)))
}

let film

/** Eight seconds of picture and sound, a key frame a second. */
export function makeFilm() {
  film ??= execFilm(['-c:a', 'aac'], 'film.mp4')
  return film
}

/** A film whose sound MP4 cannot hold. */
export function makeFilmWithOtherSound() {
  return execFilm(['-c:a', 'wmav2'], 'other.mkv')
}

function execFilm(sound, name) {
  const folder = newFolder()
  process.once('exit', () => removeFolder(folder))
  const file = path.join(folder, name)
  execFileSync('ffmpeg', [
    '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=8', '-f', 'lavfi', '-i', 'sine=duration=8',
    '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-pix_fmt', 'yuv420p', ...sound, file,
  ])
  return file
}

/** How many pictures a clip holds. */
export function picturesIn(file) {
  const words = ['-v', 'error', '-count_frames', '-select_streams', 'v:0', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', file]
  return Number.parseInt(execFileSync('ffprobe', words, { encoding: 'utf8' }), 10)
}
