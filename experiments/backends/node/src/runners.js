// The two ways to run ffmpeg (FFMPEG_WRAPPER). Both start it by `Ffmpeg`, and give a run: `ended`, a promise of its end,
// and `kill()`. `onStart` hears of the process when there is one.

import fluent from 'fluent-ffmpeg'

import { argvOf } from './argv.js'
import { Ffmpeg } from './ffmpeg.js'

export function runnerFor({ wrapper, ffmpeg }, guard) {
  const Run = { 'fluent-ffmpeg': FluentRun, child_process: PlainRun }[wrapper]
  const start = (argv) => new Ffmpeg(ffmpeg, argv, guard)
  return (words, onStart) => new Run(start, words, onStart)
}

class PlainRun {
  #process

  constructor(start, words, onStart) {
    this.#process = start(argvOf(words))
    this.ended = this.#process.ended
    onStart(this.#process)
  }

  kill() {
    this.#process.kill()
  }
}

/**
 * fluent-ffmpeg puts the words together and tells of start and end. Its own spawn is replaced: that one leaves stdin
 * open, keeps lines of any length, sets no process group, and starts ffmpeg although it was killed before.
 */
class FluentRun {
  #process = null
  #killed = false

  constructor(start, words, onStart) {
    const command = fluent(words.upload).inputOptions(...words.before).outputOptions(...words.after).output(words.out)
    withoutProbes(command)
    this.ended = new Promise((resolve) => {
      command._spawnFfmpeg = (argv, _options, onProcess, onEnd) => {
        if (this.#killed) return onEnd(new Error('ended before it began'), textRing(''), textRing(''))
        this.#process = start(argv)
        onStart(this.#process)
        onProcess(this.#process.child)
        this.#process.ended.then((end) => {
          onEnd(fluentError(end), textRing(end.stdout), textRing(end.stderr))
          resolve(end)
        })
      }
      command.on('error', (error) => {
        if (!this.#process) resolve({ code: null, signal: null, error, stdout: '', stderr: '', endedS: null })
      })
      command.run()
    })
  }

  kill() {
    this.#killed = true
    this.#process?.kill()
  }
}

/** `-formats` and `-encoders` would run beside MAX_CONCURRENT, and hang where ffmpeg does; it tells by itself what it lacks. */
function withoutProbes(command) {
  command._checkCapabilities = (done) => done()
  command.availableEncoders = (done) => done(null, {})
}

function fluentError({ code, signal, error }) {
  if (error) return error
  if (signal) return new Error(`ffmpeg was killed with signal ${signal}`)
  return code ? new Error(`ffmpeg exited with code ${code}`) : null
}

function textRing(text) {
  return { get: () => text }
}
