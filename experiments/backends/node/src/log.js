// One JSON object a line on stdout, at once.

const MOST_WAITING_BYTES = 1024 * 1024 // of a reader that stands still: then lines are dropped, memory is not
const LAST_WORDS_MS = 500

process.stdout.on('error', () => {}) // whoever read the logs has gone: no reason to end

function write(level, event, facts) {
  if (process.stdout.writableLength > MOST_WAITING_BYTES) return
  const line = { time: new Date().toISOString(), level, event, ...facts }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

export const log = {
  info: (event, facts) => write('info', event, facts),
  warning: (event, facts) => write('warning', event, facts),
  error: (event, facts) => write('error', event, facts),
}

/** Resolves when what was logged is on its way, or nobody reads it. */
export function logged() {
  return new Promise((resolve) => {
    setTimeout(resolve, LAST_WORDS_MS)
    process.stdout.write('', () => resolve())
  })
}

/** What an error is, in figures and codes: no path, no text of a client's. */
export function kindOf(error) {
  return { error: error?.name ?? 'unknown', code: error?.code ?? null }
}
