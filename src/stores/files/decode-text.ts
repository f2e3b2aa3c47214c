const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of UTF-8 bytes, a byte order mark included; null for other bytes, which are never replaced. */
export function decodeText(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes)
  } catch {
    return null
  }
}

/** The bytes of a text. Throws a TypeError for half a surrogate pair, which UTF-8 cannot hold. */
export function encodeText(text: string): Uint8Array {
  if (/\p{Surrogate}/u.test(text)) throw new TypeError('the text has half a surrogate pair, which UTF-8 cannot hold')
  return Buffer.from(text)
}
