// The jobs: accepted, cut clip by clip in their turn, kept KEEP_S after their end, removed at whatever moment.

import { nowS } from './clock.js'
import { newId } from './ids.js'
import { kindOf, log } from './log.js'
import { Problem, busy, notFound } from './problems.js'
import { Turns } from './turns.js'

const hasEnded = (clip) => clip.status !== 'queued' && clip.status !== 'running'

export class Jobs {
  #config
  #store
  #uploads
  #metrics
  #cutter
  #turns
  #known = new Map()

  constructor(config, store, uploads, metrics, cutter) {
    this.#config = config
    this.#store = store
    this.#uploads = uploads
    this.#metrics = metrics
    this.#cutter = cutter
    this.#turns = new Turns(config.maxConcurrent)
  }

  /** Accepts an order: its upload's id, and clips as `{startS, durationS}`. */
  accept({ upload: uploadId, clips }) {
    const upload = this.#uploads.get(uploadId)
    const active = [...this.#known.values()].filter((job) => job.endedMs === null).length
    if (active >= this.#config.queueLimit) throw busy('The queue is full.')
    const job = {
      id: newId(),
      upload,
      createdS: nowS(),
      endedMs: null,
      removal: null, // the promise of its removal, once that has begun
      runs: new Set(),
      cutting: new Set(),
      clips: clips.map((clip, index) => ({
        number: index + 1, ...clip, status: 'queued', error: null, bytes: null, startedS: null, endedS: null,
      })),
    }
    this.#known.set(job.id, job)
    this.#uploads.use(upload)
    log.info('job_accepted', { job: job.id, upload: upload.id, clips: clips.length })
    for (const clip of job.clips) this.#turns.add(job, () => this.#turn(job, clip))
    return job
  }

  get(id) {
    const job = this.#known.get(id)
    if (job && !job.removal) return job
    throw notFound('job')
  }

  /** The file of a clip that is ok. */
  clipFile(job, number) {
    const clip = job.clips[number - 1]
    if (!clip) throw notFound('clip')
    if (clip.status !== 'ok') throw new Problem(409, `This clip is ${clip.status}.`)
    return this.#store.clip(job.id, number)
  }

  countByStatus() {
    const counts = { queued: 0, running: 0, done: 0, failed: 0 }
    for (const job of this.#known.values()) counts[statusOf(job)] += 1
    return counts
  }

  /** Ends its ffmpegs, removes its files, forgets it. */
  remove(job) {
    job.removal ??= this.#remove(job).catch((error) => {
      job.removal = null
      throw error
    })
    return job.removal
  }

  async removeAll() {
    await Promise.all([...this.#known.values()].map((job) => this.remove(job)))
  }

  async removeOld() {
    for (const job of this.#known.values()) {
      if (job.endedMs !== null && performance.now() - job.endedMs >= this.#config.keepMs) await this.remove(job)
    }
  }

  #turn(job, clip) {
    const cutting = this.#cut(job, clip)
    job.cutting.add(cutting)
    return cutting.finally(() => job.cutting.delete(cutting))
  }

  async #cut(job, clip) {
    clip.status = 'running'
    const outcome = await this.#cutter.cut(job, clip, this.#uploads.file(job.upload)).catch((error) => {
      log.error('clip_not_written', { job: job.id, clip: clip.number, ...kindOf(error) })
      return { status: 'failed', error: 'The clip could not be written.' }
    })
    if (job.removal) outcome.status = 'cancelled'
    else Object.assign(clip, outcome)
    this.#metrics.countClips(outcome.status, 1)
    log.info('clip_ended', {
      job: job.id, clip: clip.number, status: outcome.status, error: outcome.error, bytes: outcome.bytes,
      seconds: clip.startedS && clip.endedS - clip.startedS,
    })
    if (!job.removal && job.clips.every(hasEnded)) this.#end(job)
  }

  #end(job) {
    job.endedMs = performance.now()
    this.#uploads.release(job.upload)
    log.info('job_ended', { job: job.id, status: statusOf(job), seconds: nowS() - job.createdS })
  }

  async #remove(job) {
    this.#metrics.countClips('cancelled', this.#turns.drop(job))
    for (const run of job.runs) run.kill()
    await Promise.all(job.cutting)
    await this.#store.removeClips(job.id)
    if (job.endedMs === null) this.#uploads.release(job.upload)
    this.#known.delete(job.id)
    log.info('job_removed', { job: job.id })
  }
}

function statusOf(job) {
  if (job.clips.every(hasEnded)) return job.clips.every(({ status }) => status === 'ok') ? 'done' : 'failed'
  return job.clips.every(({ status }) => status === 'queued') ? 'queued' : 'running'
}

/** A job as clients see it. */
export function jobView(job) {
  return {
    id: job.id,
    upload: job.upload.id,
    status: statusOf(job),
    created_s: job.createdS,
    clips: job.clips.map((clip) => ({
      number: clip.number,
      start_s: clip.startS,
      duration_s: clip.durationS,
      status: clip.status,
      error: clip.error,
      bytes: clip.bytes,
      url: clip.status === 'ok' ? `/jobs/${job.id}/clips/${clip.number}` : null,
      started_s: clip.startedS,
      ended_s: clip.endedS,
    })),
  }
}
