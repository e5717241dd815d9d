// Byte ranges of a GET (RFC 9110, 14): one of them is served; what is none, or several, is ignored.

const ONE_RANGE = /^bytes=(?:([0-9]+)-([0-9]*)|-([0-9]+))$/i

/** `{first, last}` of a file of `size` bytes; null: all of it; 'unsatisfiable': none of it. */
export function rangeOf(header, size) {
  const [found, first, last, suffix] = ONE_RANGE.exec(header ?? '') ?? []
  if (!found) return null
  if (suffix !== undefined) return within(Math.max(0, size - Number(suffix)), size - 1)
  if (last !== '' && Number(last) < Number(first)) return null // malformed
  return within(Number(first), last === '' ? size - 1 : Math.min(Number(last), size - 1))
}

function within(first, last) {
  return first <= last ? { first, last } : 'unsatisfiable'
}
