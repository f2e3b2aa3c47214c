import fc from 'fast-check'

/** Keys that objects treat specially, keys that need escapes, and few enough others that they meet. */
const key = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'c', 'd', 'id', 'schema_version') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '__proto__',
      'constructor',
      'toString',
      '',
      '0',
      '1',
      '10',
      '01',
      '4294967295',
      'é',
      'a\\b',
      '"',
      '\u2028',
    ),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 4, unit: 'binary' }) },
)

const scalar = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -0,
    1,
    1e21,
    1e-7,
    0.1,
    2 ** 53,
    '',
    'é',
    'a\\u00e9',
    '\n',
    '\ud800',
    '😀',
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.string({ maxLength: 8, unit: 'binary' }),
)

function withOwnKeys(entries: readonly (readonly [string, unknown])[]): unknown {
  const object = {}
  for (const [name, value] of entries)
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
  return object
}

/** Any JSON value, -0 and `__proto__` included. */
export const jsonValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 6 }).map(withOwnKeys),
  ),
})).value

export type Look = 'compact' | 'two' | 'tab' | 'crlf' | 'python' | 'wild'

const look = fc.constantFrom<Look>('compact', 'two', 'tab', 'crlf', 'python', 'wild')

/** A value written the way some program would: `pick` decides where there is a choice. */
function render(value: unknown, shape: Look, pick: () => number): string {
  const space = (): string => (shape === 'wild' ? ['', '', ' ', '\n', '\r\n  ', '\t', '\r'][pick() % 7]! : '')
  const eol = shape === 'crlf' ? '\r\n' : '\n'
  const unit = shape === 'tab' ? '\t' : '  '
  const isMultiline = shape === 'two' || shape === 'tab' || shape === 'crlf'
  const text = (part: string): string =>
    [...JSON.stringify(part)]
      .map((letter) => (letter > '\x7e' && pick() % 2 === 0 ? escapeAll(letter) : letter))
      .join('')
  const items = (open: string, list: string[], close: string, indent: string): string => {
    if (list.length === 0) return open + space() + close
    if (!isMultiline)
      return open + space() + list.join(space() + (shape === 'python' ? ', ' : ',') + space()) + space() + close
    return open + eol + indent + unit + list.join(`,${eol}${indent}${unit}`) + eol + indent + close
  }
  const colon = (): string => (isMultiline || shape === 'python' ? ': ' : `${space()}:${space()}`)
  const write = (part: unknown, indent: string): string => {
    if (typeof part === 'string') return text(part)
    if (typeof part === 'number') return number(part, pick())
    if (Array.isArray(part))
      return items(
        '[',
        part.map((each) => write(each, indent + unit)),
        ']',
        indent,
      )
    if (typeof part !== 'object' || part === null) return String(part)
    const members = Object.entries(part).map(([name, each]) => text(name) + colon() + write(each, indent + unit))
    return items('{', shape === 'wild' && pick() % 2 === 0 ? members.reverse() : members, '}', indent)
  }
  return space() + write(value, '') + (pick() % 2 === 0 ? eol : '') + space()
}

function escapeAll(letter: string): string {
  return Array.from(
    { length: letter.length },
    (_, at) => `\\u${letter.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('')
}

function number(value: number, choice: number): string {
  const plain = Object.is(value, -0) ? '-0' : String(value)
  if (choice % 3 !== 0 || plain.includes('e')) return plain
  return plain.includes('.') ? `${plain}0` : choice % 2 === 0 ? `${plain}.0` : `${plain}e+00`
}

/** A value, and a text that says it. */
export const document: fc.Arbitrary<{ value: unknown; text: string }> = fc
  .tuple(jsonValue, look, fc.array(fc.nat(1000), { minLength: 1, maxLength: 40 }), fc.boolean())
  .map(([value, shape, choices, hasMark]) => {
    let next = 0
    const pick = (): number => choices[next++ % choices.length]! + next
    return { value, text: (hasMark ? '\ufeff' : '') + render(value, shape, pick) }
  })

/** A value one or a few changes away, the way steps change things: the rest is the same. */
export function change(value: unknown, other: unknown, pick: () => number): unknown {
  if (pick() % 4 === 0) return other
  if (Array.isArray(value)) {
    const list = [...(value as unknown[])]
    const at = pick() % (list.length + 1)
    const way = pick() % 6
    if (way === 0) list.splice(at, 0, other)
    else if (way === 1) list.splice(at, 1)
    else if (way === 2) return list.reverse()
    else if (way === 3) return list.map((each, index) => (index % 2 === 0 ? change(each, other, pick) : each))
    else if (at < list.length) list[at] = change(list[at], other, pick)
    return list
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  const at = pick() % (entries.length + 1)
  const way = pick() % 5
  if (way === 0) entries.splice(at, 0, [['new', 'a', '2', 'schema_version'][pick() % 4]!, other])
  else if (way === 1) entries.splice(at, 1)
  else if (way === 2 && at < entries.length) entries[at] = [`new${pick() % 3}`, entries[at]![1]]
  else if (at < entries.length) entries[at] = [entries[at]![0], change(entries[at]![1], other, pick)]
  return withOwnKeys(entries)
}
