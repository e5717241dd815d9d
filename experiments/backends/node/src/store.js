// The service's files: uploads/ID, clips/JOB/NUMBER.mp4, and what is being written, under names with a dot.

import { constants, lstatSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { copyFile, mkdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'

export class Store {
  constructor(dataDir) {
    this.uploads = path.join(dataDir, 'uploads')
    this.clips = path.join(dataDir, 'clips')
  }

  /** Removes what an earlier life left. Links go as links: what they point to is not ours. */
  empty() {
    for (const folder of [this.uploads, this.clips]) {
      const found = lstatSync(folder, { throwIfNoEntry: false })
      if (found && !found.isDirectory()) rmSync(folder)
      if (!found?.isDirectory()) mkdirSync(folder, { mode: 0o700 })
      for (const name of readdirSync(folder, 'buffer')) { // names need not be UTF-8
        rmSync(Buffer.concat([Buffer.from(`${folder}/`), name]), { recursive: true, force: true })
      }
    }
  }

  upload(id) {
    return path.join(this.uploads, id)
  }

  uploadPart(id) {
    return path.join(this.uploads, `.${id}.part`)
  }

  clip(job, number) {
    return path.join(this.clips, job, `${number}.mp4`)
  }

  /** The ending tells ffmpeg the format where its words do not. */
  clipPart(job, number) {
    return path.join(this.clips, job, `.${number}.part.mp4`)
  }

  async makeClipsFolder(job) {
    await mkdir(path.join(this.clips, job), { recursive: true, mode: 0o700 })
  }

  async removeClips(job) {
    await rm(path.join(this.clips, job), { recursive: true, force: true })
  }

  /** Puts a whole upload in its place, from wherever it was written. Where that fails nothing of it is left. */
  async placeUpload(from, id) {
    try {
      await rename(from, this.upload(id)).catch((error) => {
        if (error.code === 'EXDEV') return this.#copyUpload(from, id)
        throw error
      })
    } finally {
      await removed(from)
    }
  }

  async #copyUpload(from, id) {
    const part = this.uploadPart(id)
    try {
      await copyFile(from, part, constants.COPYFILE_EXCL)
      await rename(part, this.upload(id))
    } finally {
      await removed(part)
    }
  }
}

/** With those above it. Not `recursive`: that never returns where there can be none, as in /proc. */
export function makeFolder(folder) {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return
  const above = path.dirname(folder)
  if (above !== folder) makeFolder(above)
  mkdirSync(folder, { mode: 0o700 })
}

export async function removed(file) {
  await rm(file, { force: true })
}
