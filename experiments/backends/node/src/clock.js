// The service's clock: monotonic, counted from 1970, so that differences of two of its times are true.

export function nowS() {
  return Math.round((performance.timeOrigin + performance.now()) * 1000) / 1e6
}
