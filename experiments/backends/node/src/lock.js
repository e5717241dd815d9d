// One service a DATA_DIR: an flock(2) on the folder itself, so that nothing is written, and the kernel frees it
// with our last descriptor, however we end. Node.js has no flock: util-linux's takes it on a descriptor of ours,
// and a lock belongs to the open file, not to the process that took it.

import { spawnSync } from 'node:child_process'
import { openSync } from 'node:fs'

/** Holds the lock for this process's life. False: another one has it. */
export function lockFolder(folder) {
  const descriptor = openSync(folder, 'r')
  const { status, error } = spawnSync('flock', ['--exclusive', '--nonblock', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', descriptor],
  })
  if (error) throw new Error(`flock, of util-linux, is needed to lock DATA_DIR: ${error.code}`, { cause: error })
  return status === 0
}
