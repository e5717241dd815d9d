// What the service counts, as Prometheus reads it.

const CLIP_STATUSES = ['ok', 'failed', 'killed', 'timeout', 'cancelled']
const BUCKETS_S = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500]

export class Metrics {
  ffmpegProcesses = 0
  #clips = new Map(CLIP_STATUSES.map((status) => [status, 0]))
  #uploads = 0
  #uploadBytes = 0
  #clipSeconds = { buckets: BUCKETS_S.map(() => 0), sum: 0, count: 0 }

  countClips(status, clips) {
    this.#clips.set(status, this.#clips.get(status) + clips)
  }

  countUpload(bytes) {
    this.#uploads += 1
    this.#uploadBytes += bytes
  }

  observeClip(seconds) {
    this.#clipSeconds.sum += seconds
    this.#clipSeconds.count += 1
    BUCKETS_S.forEach((most, index) => {
      if (seconds <= most) this.#clipSeconds.buckets[index] += 1
    })
  }

  /** `jobs`: how many there are of each status. */
  text(jobs) {
    return [
      ...family('clips_total', 'counter', 'Clips that ended, by how.', labelled('status', this.#clips)),
      ...family('jobs', 'gauge', 'Jobs that are known, by status.', labelled('status', Object.entries(jobs))),
      ...family('clip_seconds', 'histogram', 'How long the ffmpeg of a clip ran.', this.#histogram()),
      ...family('ffmpeg_processes', 'gauge', 'ffmpegs that cut clips now.', [['', this.ffmpegProcesses]]),
      ...family('uploads_total', 'counter', 'Uploads taken.', [['', this.#uploads]]),
      ...family('upload_bytes_total', 'counter', 'Bytes of the uploads taken.', [['', this.#uploadBytes]]),
      ...family('process_resident_memory_bytes', 'gauge', "The service's own memory.", [['', process.memoryUsage.rss()]]),
      '',
    ].join('\n')
  }

  #histogram() {
    const { buckets, sum, count } = this.#clipSeconds
    const rows = buckets.map((clips, index) => [`_bucket{le="${BUCKETS_S[index]}"}`, clips])
    return [...rows, ['_bucket{le="+Inf"}', count], ['_sum', sum], ['_count', count]]
  }
}

function family(name, type, help, rows) {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...rows.map(([rest, value]) => `${name}${rest} ${value}`)]
}

function labelled(label, counts) {
  return [...counts].map(([value, count]) => [`{${label}="${value}"}`, count])
}
