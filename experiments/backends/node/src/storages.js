// Where an upload goes as it comes (UPLOAD_TO), as storages of multer's, and how each gets to its place.

import { createWriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'

import multer from 'multer'

import { newId } from './ids.js'
import { removed } from './store.js'

/** `{storage, place}`: multer's part, and a function that puts what it kept in place under an id. */
export function storageFor(config, store) {
  return { disk: toDisk, memory: toMemory, tmp: toTemporary }[config.uploadTo](store, config)
}

/** Beside its place, block by block. */
function toDisk(store) {
  const storage = {
    _handleFile(_body, file, done) {
      const part = store.uploadPart(newId())
      write(file.stream, part).then(() => done(null, { path: part }), done)
    },
    _removeFile(_body, file, done) {
      removed(file.path).then(() => done(null), done)
    },
  }
  return { storage, place: (file, id) => store.placeUpload(file.path, id) }
}

async function write(stream, part) {
  const file = createWriteStream(part, { flags: 'wx', mode: 0o600 })
  const closed = new Promise((resolve) => file.once('close', resolve))
  try {
    await pipeline(stream, file)
    await closed
  } catch (error) {
    file.destroy()
    await closed // it may be opened only now
    await removed(part)
    throw error
  }
}

/** As found in the wild: the whole file in memory first. */
function toMemory(store) {
  return {
    storage: multer.memoryStorage(),
    async place(file, id) {
      const part = store.uploadPart(id)
      try {
        await writeFile(part, file.buffer, { flag: 'wx', mode: 0o600 })
      } catch (error) {
        await removed(part)
        throw error
      }
      await store.placeUpload(part, id)
    },
  }
}

/** As found in the wild: multer's own way, over the temporary folder, which on many hosts is memory. */
function toTemporary(store, config) {
  const storage = multer.diskStorage({ destination: (_body, _file, done) => done(null, config.temporary) })
  return {
    storage: {
      _handleFile(body, file, done) {
        storage._handleFile(body, file, (error, kept) => {
          if (!error) return done(null, kept)
          const left = file.path // where the last block finds no space, multer leaves it
          if (!left) return done(error)
          storage._removeFile(body, file, () => done(error))
        })
      },
      _removeFile: (body, file, done) => storage._removeFile(body, file, done),
    },
    place: (file, id) => store.placeUpload(file.path, id),
  }
}
