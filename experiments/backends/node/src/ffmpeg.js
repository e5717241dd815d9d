// One ffmpeg: an argv, a process group of its own that dies with it and with us, both pipes drained, 4 KB kept.

import { spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'

import { nowS } from './clock.js'

const TAIL_BYTES = 4096
const PIPES_GRACE_MS = 300

// What Node.js cannot do between fork and exec: the kernel kills ffmpeg when we are gone, however we went, and the guard
// knows its group. It becomes ffmpeg by exec, so that there is one process, and its pid is ffmpeg's.
const LAUNCHER = ['setpriv', '--pdeathsig', 'KILL', '--', '/bin/sh', '-c', 'echo "+ $$" >&3; exec "$0" "$@" 3>&-']

/** The last 4 KB of what a pipe carried. */
class Tail {
  #kept = Buffer.alloc(0)
  #isCut = false

  push(block) {
    if (this.#kept.length + block.length > TAIL_BYTES) this.#isCut = true
    const last = block.length >= TAIL_BYTES ? block : Buffer.concat([this.#kept, block])
    this.#kept = Buffer.from(last.subarray(-TAIL_BYTES)) // a copy: not the whole block is to be held
  }

  /** From the first whole line on, where there is one. */
  get text() {
    const start = this.#isCut ? this.#kept.indexOf('\n') + 1 : 0
    return this.#kept.toString('utf8', start)
  }
}

/** A child in any case: of most that the system refuses `spawn` tells by an event, of ENOMEM it throws. */
function spawned(program, words, options) {
  try {
    return spawn(program, words, options)
  } catch (error) {
    const none = new EventEmitter()
    setImmediate(() => none.emit('error', error))
    return none
  }
}

/**
 * A started process. `ended` resolves once, never rejects: `{code, signal, error, stdout, stderr, startedS, endedS}`,
 * `error` where it could not be started. Its end is its own, not that of a grandchild which holds its pipes.
 */
export class Ffmpeg {
  #guard

  /** `guard`: who ends its group where we cannot. */
  constructor(program, argv, guard) {
    const [launcher, ...words] = LAUNCHER
    const stdout = new Tail()
    const stderr = new Tail()
    this.#guard = guard
    this.startedS = nowS()
    this.child = spawned(launcher, [...words, program, ...argv], { detached: true, stdio: ['ignore', 'pipe', 'pipe', guard.pipe] })
    this.child.stdout?.on('data', (block) => stdout.push(block))
    this.child.stderr?.on('data', (block) => stderr.push(block))
    this.ended = this.#end().then((end) => ({ ...end, stdout: stdout.text, stderr: stderr.text, startedS: this.startedS }))
  }

  /** Ends it and all that it started. */
  kill() {
    try {
      if (this.child.pid) process.kill(-this.child.pid, 'SIGKILL')
    } catch {
      // nobody of the group is left
    }
  }

  #end() {
    return new Promise((resolve) => {
      this.child.once('error', (error) => resolve({ code: null, signal: null, error, endedS: nowS() }))
      this.child.once('exit', (code, signal) => {
        const end = { code, signal, error: null, endedS: nowS() }
        this.kill() // what it left behind
        this.#guard.ended(this.child.pid)
        const grace = setTimeout(() => this.#closePipes(), PIPES_GRACE_MS) // one that left the group holds them
        this.child.once('close', () => {
          clearTimeout(grace)
          resolve(end)
        })
      })
    })
  }

  #closePipes() {
    this.child.stdout.destroy()
    this.child.stderr.destroy()
  }
}
