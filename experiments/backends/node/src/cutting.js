// One clip: written beside its place, renamed when ffmpeg ended well and wrote a picture.

import { rename, stat } from 'node:fs/promises'
import { setTimeout as setTimeoutPromise } from 'node:timers/promises'

import { cutWords } from './argv.js'
import { picturesIn } from './mp4_pictures.js'
import { framesIn, outcomeOf } from './outcome.js'
import { removed } from './store.js'

const RETRY_MS = 1000

/** The system has no process or no memory left, which is no failure of the clip: it may a moment later. */
function isRefusedForNow({ error }) {
  return ['EAGAIN', 'ENOMEM'].includes(error?.code)
}

export class Cutter {
  #config
  #store
  #run
  #metrics

  constructor(config, store, run, metrics) {
    this.#config = config
    this.#store = store
    this.#run = run
    this.#metrics = metrics
  }

  /**
   * Cuts `clip` of `job`. Resolves to `{status, error, bytes}`; `status` is 'cancelled' where `job` is being removed.
   * While it runs, its run stands in `job.runs`.
   */
  async cut(job, clip, upload) {
    const part = this.#store.clipPart(job.id, clip.number)
    await this.#store.makeClipsFolder(job.id)
    if (job.removal) return { status: 'cancelled' }
    try {
      const outcome = await this.#runFfmpeg(job, clip, { upload, part })
      if (outcome.status !== 'ok') return outcome
      const { size } = await stat(part)
      await rename(part, this.#store.clip(job.id, clip.number))
      return { ...outcome, bytes: size }
    } finally {
      await removed(part)
    }
  }

  async #runFfmpeg(job, clip, { upload, part }) {
    const words = cutWords(this.#config, { upload, out: part, startS: clip.startS, durationS: clip.durationS })
    const untilMs = performance.now() + this.#config.clipTimeoutMs
    let ended = await this.#toItsEnd(job, clip, words)
    while (isRefusedForNow(ended.end) && !job.removal && performance.now() < untilMs) {
      await setTimeoutPromise(RETRY_MS)
      if (!job.removal) ended = await this.#toItsEnd(job, clip, words)
    }
    const { end, timedOut } = ended
    if (job.removal) return { status: 'cancelled' }
    return outcomeOf(end, {
      timedOut,
      pictures: await this.#pictures(end, part),
      paths: [[upload, 'the upload'], [part, 'the clip'], [this.#config.ffmpeg, 'ffmpeg'], [this.#config.dataDir, '…']],
    })
  }

  async #toItsEnd(job, clip, words) {
    let timedOut = false
    let timer
    const run = this.#run(words, (ffmpeg) => {
      clip.startedS = ffmpeg.startedS
      this.#metrics.ffmpegProcesses += 1
      timer = setTimeout(() => {
        timedOut = true
        ffmpeg.kill()
      }, this.#config.clipTimeoutMs)
    })
    job.runs.add(run)
    const end = await run.ended
    job.runs.delete(run)
    clearTimeout(timer)
    if (clip.startedS !== null) this.#metrics.ffmpegProcesses -= 1
    if (isRefusedForNow(end)) {
      clip.startedS = null
    } else if (clip.startedS !== null) {
      clip.endedS = end.endedS
      this.#metrics.observeClip(end.endedS - clip.startedS)
    }
    return { end, timedOut }
  }

  /** As sketched, ffmpeg is not asked for its progress. */
  #pictures(end, part) {
    if (this.#config.argv === 'same') return framesIn(end.stdout)
    return end.code === 0 ? picturesIn(part).catch(() => 0) : 0
  }
}
