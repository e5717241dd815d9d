// The uploads: taken in, known by their ids, kept while they are used and KEEP_S longer.

import { newId } from './ids.js'
import { kindOf, log } from './log.js'
import { ClientGone, Problem, diskProblem, notFound } from './problems.js'
import { receiver } from './receiving.js'
import { storageFor } from './storages.js'
import { removed } from './store.js'

export class Uploads {
  #store
  #metrics
  #keepMs
  #known = new Map()
  #receive
  #place

  constructor(config, store, metrics) {
    const { storage, place } = storageFor(config, store)
    this.#store = store
    this.#metrics = metrics
    this.#keepMs = config.keepMs
    this.#receive = receiver(storage, config)
    this.#place = place
  }

  /** Takes in the upload that is the request's body. `stopping`: the signal at which it is given up. */
  async take(req, res, stopping) {
    const startedMs = performance.now()
    try {
      const { file, bytes } = await this.#receive(req, res, stopping)
      const upload = { id: newId(), bytes, users: 0, idleSinceMs: performance.now() }
      await this.#place(file, upload.id).catch((error) => { throw diskProblem(error) })
      this.#known.set(upload.id, upload)
      this.#metrics.countUpload(bytes)
      log.info('upload_taken', { upload: upload.id, bytes, seconds: (performance.now() - startedMs) / 1000 })
      return upload
    } catch (error) {
      logRefusal(error)
      throw error
    }
  }

  get(id) {
    const upload = this.#known.get(id)
    if (upload) return upload
    throw notFound('upload')
  }

  file(upload) {
    return this.#store.upload(upload.id)
  }

  use(upload) {
    upload.users += 1
  }

  release(upload) {
    upload.users -= 1
    upload.idleSinceMs = performance.now()
  }

  async remove(upload) {
    if (upload.users > 0) throw new Problem(409, 'A job that waits or runs uses this upload.')
    this.#known.delete(upload.id)
    await removed(this.file(upload))
    log.info('upload_removed', { upload: upload.id })
  }

  async removeOld() {
    for (const upload of this.#known.values()) {
      const idleMs = performance.now() - upload.idleSinceMs
      if (upload.users === 0 && idleMs >= this.#keepMs) await this.remove(upload)
    }
  }
}

function logRefusal(error) {
  if (error instanceof ClientGone) log.info('upload_broken_off')
  else if (error instanceof Problem) log.info('upload_refused', { status: error.status, detail: error.message })
  else log.error('upload_failed', kindOf(error))
}
