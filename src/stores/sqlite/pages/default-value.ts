import type { SqlValue } from '../../../model/driver.js'
import { type Affinity } from './affinity.js'
import { toSqlInteger } from './varint.js'

/** A number as SQL writes it, without a sign. */
export const numberText = /0[xX][0-9a-fA-F]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?/y
const looksNumeric = /^\s*[+-]?\.?\d/

/**
 * What a row from before `ALTER TABLE … ADD COLUMN` has in the new column. SQLite doesn't store it: the row's record
 * just ends before it, and the column's DEFAULT stands for it, converted to the column's affinity.
 *
 * @param sql the text after DEFAULT, or null
 * @returns undefined when the text is an expression, or a conversion that only SQLite should do
 */
export function defaultValue(sql: string | null, affinity: Affinity): SqlValue | undefined {
  if (sql === null) return null
  const text = withoutParentheses(sql.trim())
  const sign = /^[+-]/.exec(text)?.[0] ?? ''
  const unsigned = text.slice(sign.length).trimStart()
  numberText.lastIndex = 0
  if (numberText.test(unsigned) && numberText.lastIndex === unsigned.length)
    return numberValue(sign, unsigned, affinity)
  if (sign !== '') return undefined
  const quote = text[0] ?? ''
  if (quote === "'" || quote === '"') {
    const inner = text.slice(1, -1)
    if (text.length < 2 || !text.endsWith(quote) || inner.replaceAll(quote + quote, '').includes(quote))
      return undefined
    const string = inner.replaceAll(quote + quote, quote)
    return affinity === 'text' || affinity === 'blob' || !looksNumeric.test(string) ? string : undefined
  }
  const blob = /^[xX]'((?:[0-9a-fA-F]{2})*)'$/.exec(text)?.[1]
  if (blob !== undefined) return Uint8Array.from(Buffer.from(blob, 'hex'))
  if (/^null$/i.test(text)) return null
  if (/^(?:true|false)$/i.test(text)) return affinity === 'text' ? undefined : Number(/^true$/i.test(text))
  return undefined
}

function numberValue(sign: string, text: string, affinity: Affinity): SqlValue | undefined {
  const digits = text.replaceAll('_', '')
  const isHex = /^0x/i.test(digits)
  if (!isHex && !/^\d+$/.test(digits)) return affinity === 'text' ? undefined : Number(sign + digits)
  const size = BigInt(digits)
  // A decimal integer beyond 64 bits is a REAL to SQLite, and a hexadecimal one an error.
  if (size >= 1n << 63n) return undefined
  const value = toSqlInteger(sign === '-' ? -size : size)
  if (affinity === 'text') return String(value)
  return affinity === 'real' ? Number(value) : value
}

function withoutParentheses(text: string): string {
  return text.startsWith('(') && text.endsWith(')') && !/[()]/.test(text.slice(1, -1)) ? text.slice(1, -1).trim() : text
}
