// A small process beside the service: it ends ffmpeg's groups where the service was killed and could not. The kernel's
// signal reaches ffmpeg itself, but not what a wrapper in its place started.

import { spawn } from 'node:child_process'
import { once } from 'node:events'

// Groups come and go by lines on descriptor 3, which ends with the service. A shell, since another Node.js would weigh
// 40 MB; in the background, so that the service's children are its ffmpegs alone.
const SCRIPT = `
(
  groups=" "
  while read -r sign group <&3; do
    case $sign in
      +) groups="$groups$group " ;;
      -) groups="\${groups%% "$group" *} \${groups#* "$group" }" ;;
    esac
  done
  for group in $groups; do kill -s KILL -- "-$group"; done
) &
`

export class Guard {
  #pipe

  /** Resolves when the guard watches. */
  static async start() {
    // Detached: what a terminal sends to the service is not for the guard.
    const shell = spawn('/bin/sh', ['-c', SCRIPT], { detached: true, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
    const [code] = await once(shell, 'exit')
    if (code !== 0) throw new Error('the guard of the ffmpegs cannot be started')
    return new Guard(shell.stdio[3])
  }

  constructor(pipe) {
    this.#pipe = pipe
    pipe.on('error', () => {}) // a guard that was killed cannot be told
    pipe.unref()
  }

  /** Descriptor 3 of what is started: it names itself with `+`, so that a service killed meanwhile has told of it. */
  get pipe() {
    return this.#pipe
  }

  ended(group) {
    this.#pipe.write(`- ${group}\n`)
  }
}
