// Starts the service: environment, lock, ffmpeg, an empty store, then HTTP; and ends it.

import { once } from 'node:events'
import { accessSync, constants, readFileSync } from 'node:fs'

import { makeApp } from './app.js'
import { ConfigError, readConfig } from './config.js'
import { Cutter } from './cutting.js'
import { ffmpegVersion } from './ffmpeg_version.js'
import { Guard } from './guard.js'
import { Jobs } from './jobs.js'
import { keepClean } from './janitor.js'
import { lockFolder } from './lock.js'
import { kindOf, log, logged } from './log.js'
import { Metrics } from './metrics.js'
import { runnerFor } from './runners.js'
import { makeServer } from './server.js'
import { Ending } from './shutdown.js'
import { Store, makeFolder } from './store.js'
import { Uploads } from './uploads.js'

const EXIT_WRONG_USE = 2

process.on('SIGXFSZ', () => {}) // a limit on files is an error of write (EFBIG), not our end
process.on('uncaughtException', (error) => {
  log.error('crashed', { ...kindOf(error), stack: error?.stack })
  logged().then(() => process.exit(1))
})
const ending = new Ending()

try {
  await serve(readConfig(process.env))
} catch (error) {
  process.stderr.write(`${error.message.replaceAll('\n', ' ')}\n`)
  process.exit(error instanceof ConfigError ? EXIT_WRONG_USE : 1)
}

async function serve(config) {
  takeFolder(config.dataDir)
  if (config.uploadTo === 'tmp') checkTemporary(config.temporary)
  const guard = await Guard.start()
  const ffmpeg = await ffmpegVersion(config.ffmpeg, guard)
  const store = new Store(config.dataDir)
  emptied(store)

  const metrics = new Metrics()
  const uploads = new Uploads(config, store, metrics)
  const jobs = new Jobs(config, store, uploads, metrics, new Cutter(config, store, runnerFor(config, guard), metrics))
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url)))
  const health = { status: 'ok', backend: 'node', version, ffmpeg }
  const app = makeApp({ config, uploads, jobs, metrics, health, stopping: ending.signal })
  const server = makeServer(app, config)

  const port = await listen(server, config)
  log.info('listening', { port, bind: config.bind, version, ffmpeg })
  keepClean(config, jobs, uploads)
  ending.of(server, jobs)
}

function takeFolder(folder) {
  try {
    makeFolder(folder)
    accessSync(folder, constants.R_OK | constants.W_OK)
  } catch (error) {
    throw new ConfigError('DATA_DIR', `cannot be used: ${error.code}`)
  }
  if (!lockFolder(folder)) throw new Error('DATA_DIR is used by another service: give each one of its own')
}

function emptied(store) {
  try {
    store.empty()
  } catch (error) {
    throw new ConfigError('DATA_DIR', `cannot be written to: ${error.code}`)
  }
}

function checkTemporary(folder) {
  try {
    accessSync(folder, constants.W_OK)
  } catch (error) {
    throw new ConfigError('TMPDIR', `cannot be written to: ${error.code}`)
  }
}

async function listen(server, { bind, port }) {
  server.listen({ host: bind, port })
  try {
    await once(server, 'listening')
  } catch (error) {
    if (['EADDRINUSE', 'EACCES'].includes(error.code)) throw new Error(`PORT ${port} cannot be had: ${error.code}`, { cause: error })
    throw new ConfigError('BIND', `is no address of this machine: ${error.code}`)
  }
  return server.address().port
}
