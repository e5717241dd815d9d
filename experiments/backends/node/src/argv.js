// What ffmpeg is told: services.md's list, word for word.

// The formats that clipkit accepts (clipkit/media/formats.py). None of them opens a second file, as playlists do.
export const FORMATS = 'mov,matroska,mpegts,mpeg,avi,flv,ogg,asf,mxf'

const GUARD = [
  '-hide_banner', '-nostdin', '-loglevel', 'error', '-protocol_whitelist', 'file', '-format_whitelist', FORMATS,
]

/**
 * The words around the two files, split as fluent-ffmpeg takes them, which itself puts `-i UPLOAD -y` between:
 * `ffmpeg [before] -i upload -y [after] out`.
 */
export function cutWords(config, { upload, out, startS, durationS }) {
  const isSame = config.argv === 'same' // the sketch seeks first, and leaves the decoder's threads to ffmpeg
  const seek = ['-ss', exactSeconds(startS)]
  const [seekBefore, seekAfter] = isSame && config.seek === 'output' ? [[], seek] : [seek, []]
  const quality = ['-c:v', 'libx264', '-preset', config.preset, ...option('-crf', config.crf)]
  const encoder = ['-threads', String(config.encoderThreads)]
  const output = isSame
    ? [
        '-map', '0:v:0', '-map', '0:a:0?', ...quality, ...encoder, '-c:a', 'copy',
        '-movflags', '+faststart', '-abort_on', 'empty_output', '-progress', 'pipe:1', '-f', 'mp4',
      ]
    : [...quality, '-c:a', 'copy', ...encoder]
  return {
    upload,
    out,
    before: [...GUARD, ...option('-threads', isSame ? config.decoderThreads : null), ...seekBefore],
    after: [...seekAfter, '-t', exactSeconds(durationS), ...output],
  }
}

export function argvOf({ before, upload, after, out }) {
  return [...before, '-i', upload, '-y', ...after, out]
}

/** Six decimals from whole microseconds: ffmpeg refuses exponents. */
export function exactSeconds(seconds) {
  const us = String(Math.round(seconds * 1e6)).padStart(7, '0')
  return `${us.slice(0, -6)}.${us.slice(-6)}`
}

function option(name, value) {
  return value === null ? [] : [name, String(value)]
}
