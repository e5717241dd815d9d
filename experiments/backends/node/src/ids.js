// Names of uploads and jobs, in paths and on disk: 128 random bits.

import { randomBytes } from 'node:crypto'

export const ID = '[A-Za-z0-9_-]{16,64}'

export function newId() {
  return randomBytes(16).toString('base64url')
}
