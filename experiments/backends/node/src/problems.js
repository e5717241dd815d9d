// Errors as clients see them (RFC 9457). `detail` is written here or by our own modules, never taken from an exception.

import { STATUS_CODES } from 'node:http'

export class Problem extends Error {
  constructor(status, detail, headers = {}) {
    super(detail)
    this.status = status
    this.headers = headers
  }

  get body() {
    return JSON.stringify({ title: STATUS_CODES[this.status], status: this.status, detail: this.message })
  }
}

/** The client went away, or was sent away: there is nobody to answer. */
export class ClientGone extends Error {}

const RETRY_AFTER_S = '10'

export const notFound = (what = 'page') => new Problem(404, `There is no such ${what}.`)
export const busy = (detail) => new Problem(503, detail, { 'Retry-After': RETRY_AFTER_S })
export const ending = () => busy('The service is ending.')
export const wrongMethod = (allowed) => new Problem(405, 'This path has other methods.', { Allow: allowed.join(', ') })

const NO_SPACE = ['ENOSPC', 'EDQUOT', 'EFBIG']

/** What the disk said, as a problem. */
export function diskProblem(error) {
  if (NO_SPACE.includes(error.code)) return new Problem(507, 'There is no space left for this upload.')
  return new Problem(500, 'The upload could not be stored.')
}
