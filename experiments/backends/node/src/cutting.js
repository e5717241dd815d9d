// One clip: written beside its place, renamed when ffmpeg ended well and wrote a picture.

import { rename, stat } from 'node:fs/promises'

import { cutWords } from './argv.js'
import { picturesIn } from './mp4_pictures.js'
import { framesIn, outcomeOf } from './outcome.js'
import { removed } from './store.js'

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
    if (clip.startedS !== null) {
      clip.endedS = end.endedS
      this.#metrics.ffmpegProcesses -= 1
      this.#metrics.observeClip(end.endedS - clip.startedS)
    }
    if (job.removal) return { status: 'cancelled' }
    return outcomeOf(end, {
      timedOut,
      pictures: await this.#pictures(end, part),
      paths: [[upload, 'the upload'], [part, 'the clip'], [this.#config.ffmpeg, 'ffmpeg'], [this.#config.dataDir, '…']],
    })
  }

  /** As sketched, ffmpeg is not asked for its progress. */
  #pictures(end, part) {
    if (this.#config.argv === 'same') return framesIn(end.stdout)
    return end.code === 0 ? picturesIn(part).catch(() => 0) : 0
  }
}
