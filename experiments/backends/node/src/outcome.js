// What became of a clip, by how its ffmpeg ended; and the reason, in one line, for whoever ordered it.

const LONGEST_REASON = 1000

/** `{status, error}`. `timedOut`: we ended it. `pictures`: how many it wrote. `paths`: what to say in place of which. */
export function outcomeOf(end, { timedOut, pictures, paths }) {
  if (end.error) return { status: 'failed', error: 'ffmpeg could not be started.' }
  if (end.signal && timedOut) return { status: 'timeout', error: 'ffmpeg took too long and was ended.' }
  if (end.signal) return { status: 'killed', error: `ffmpeg was ended by ${end.signal}.` }
  const reason = reasonIn(end.stderr, paths)
  if (end.code !== 0) return { status: 'failed', error: reason ?? `ffmpeg ended with ${end.code} and gave no reason.` }
  if (pictures < 1) {
    return { status: 'failed', error: reason ?? 'There is no picture in this stretch of the upload.' }
  }
  return { status: 'ok', error: null }
}

/** How many pictures were written, by the last of ffmpeg's progress reports. */
export function framesIn(progress) {
  const reports = [...progress.matchAll(/^frame= *([0-9]+)/gm)]
  return Number(reports.at(-1)?.[1] ?? 0)
}

/** ffmpeg's first line that explains, without paths; null where there is none. */
export function reasonIn(stderr, paths) {
  for (const line of stderr.split(/[\r\n]+/)) {
    const reason = withoutPaths(line, paths)
      .replace(/^(\[[^\]]* @ 0x[0-9a-f]+\] *)+/, '')
      .replace(/\p{C}+/gu, ' ')
      .trim()
    if (/\p{L}/u.test(reason) && !/^Last message repeated/.test(reason)) return [...reason].slice(0, LONGEST_REASON).join('')
  }
  return null
}

function withoutPaths(line, paths) {
  let text = line
  for (const [path, name] of paths) text = text.replaceAll(path, name)
  return text.replace(/(?<![\p{L}\p{N}_.])\/[^\s'",;:)]+/gu, '…')
}
