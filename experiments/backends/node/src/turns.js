// Work in turns: at most so many at once, first come first served.

export class Turns {
  #most
  #running = 0
  #waiting = []

  constructor(most) {
    this.#most = most
  }

  /** `work` returns a promise that never rejects. */
  add(owner, work) {
    this.#waiting.push({ owner, work })
    this.#next()
  }

  /** Forgets what of `owner` still waits, and says how much that was. */
  drop(owner) {
    const before = this.#waiting.length
    this.#waiting = this.#waiting.filter((turn) => turn.owner !== owner)
    return before - this.#waiting.length
  }

  #next() {
    while (this.#running < this.#most && this.#waiting.length) {
      this.#running += 1
      this.#waiting.shift().work().finally(() => {
        this.#running -= 1
        this.#next()
      })
    }
  }
}
