import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isHeldNumber } from '#moult/json/held-number.js'
import { JsonTextError } from '#moult/json/json-error.js'
import { parseJsonText } from '#moult/json/parse.js'
import { rewriteJsonText } from '#moult/json/rewrite.js'
import { splitElements, splitLines } from '#moult/json/split.js'
import { stringifyJson } from '#moult/json/stringify.js'
import { change, document, jsonValue } from './arbitraries.js'

const runs = { numRuns: 3000 }
const picks = fc.array(fc.nat(1000), { minLength: 1, maxLength: 30 })

function picker(choices: readonly number[]): () => number {
  let next = 0
  return () => choices[next++ % choices.length]! + next
}

function read(text: string): unknown {
  return JSON.parse(text.replace(/^\ufeff/, ''))
}

test('[C2] what was rewritten says exactly what the step returned, whatever it returned', () => {
  fc.assert(
    fc.property(document, jsonValue, ({ text }, after) => {
      const rewritten = rewriteJsonText(parseJsonText(text), after)
      assert.deepStrictEqual(read(rewritten), after)
      assert.equal(rewritten.startsWith('\ufeff'), text.startsWith('\ufeff'))
    }),
    runs,
  )
})

test('[C2] a step that changes a few places, also in place, is written whole, and doing it again changes nothing', () => {
  fc.assert(
    fc.property(document, jsonValue, picks, fc.boolean(), ({ text }, other, choices, isFirst) => {
      const parsed = parseJsonText(text)
      const after = change(parsed.value, other, picker(choices))
      const rewritten = rewriteJsonText(parsed, after, isFirst ? { first: 'schema_version' } : {})
      assert.deepStrictEqual(read(rewritten), after)
      const again = parseJsonText(rewritten)
      assert.equal(rewriteJsonText(again, after, { first: 'schema_version' }), rewritten)
      assert.deepStrictEqual(read(rewriteJsonText(again, read(text))), read(text))
    }),
    runs,
  )
})

test('[C2] a document that a step leaves as it is keeps its very text', () => {
  fc.assert(
    fc.property(document, ({ text }) => {
      const parsed = parseJsonText(text)
      assert.equal(rewriteJsonText(parsed, parsed.value), text)
      assert.equal(rewriteJsonText(parsed, structuredClone(parsed.value)), text)
    }),
    runs,
  )
})

test('[C2] the members a step does not touch keep their text, and those around a change stand where they stood', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 }),
      fc.array(document, { minLength: 5, maxLength: 5 }),
      fc.nat(4),
      jsonValue,
      fc.constantFrom('change', 'remove', 'add'),
      (keys, documents, nth, other, way) => {
        const inner = documents.map(({ text }) => text.replace(/^\ufeff/, ''))
        const members = keys.map((key, index) => `"${key}" :${inner[index]!}`)
        const text = `{${members.join(' , ')}}`
        const at = nth % keys.length
        const parsed = parseJsonText(text)
        const value = parsed.value as Record<string, unknown>
        if (way === 'change') value[keys[at]!] = other
        else if (way === 'remove') delete value[keys[at]!]
        else value['z'] = other
        const rewritten = rewriteJsonText(parsed, value)
        const before = way === 'add' ? members.length : at
        const head = members
          .slice(0, before)
          .map((member) => member.trimEnd())
          .join(' , ')
        if (before > 0 && inner.slice(0, before).every((each) => each === each.trimEnd()))
          assert.ok(rewritten.startsWith(`{${head}`))
        for (const [index, member] of members.entries())
          if (way === 'add' || index !== at) assert.ok(rewritten.includes(member.trim()))
      },
    ),
    runs,
  )
})

test('[C2] removing or adding array elements leaves the text of the others', () => {
  const element = fc.tuple(
    fc.integer({ min: 0, max: 30 }),
    fc.constantFrom('1.0', '1e0', '"\\u00e9"', '[ ]', '{"a" : 1.50}'),
  )
  fc.assert(
    fc.property(
      fc.uniqueArray(element, { selector: ([id]) => id, maxLength: 12 }),
      fc.array(fc.nat(20), { maxLength: 4 }),
      fc.array(fc.nat(20), { maxLength: 3 }),
      fc.boolean(),
      (elements, removals, additions, isTouching) => {
        const texts = elements.map(([id, part]) => `{"id":${id}.0, "part": ${part}}`)
        const parsed = parseJsonText(`[\n  ${texts.join(',\n  ')}\n]`)
        const list = parsed.value as Record<string, unknown>[]
        const gone = new Set<unknown>()
        for (const at of removals) for (const each of list.splice(at, 1)) gone.add(each['id'])
        if (isTouching) for (const each of list) each['seen'] = true
        additions.forEach((at, index) => list.splice(Math.min(at, list.length), 0, { id: 100 + index }))
        const rewritten = rewriteJsonText(parsed, list)
        assert.deepStrictEqual(read(rewritten), list)
        for (const [index, text] of texts.entries()) {
          assert.equal(
            rewritten.includes(isTouching ? text.slice(0, -1) : text),
            !gone.has(elements[index]![0]),
            rewritten,
          )
        }
      },
    ),
    runs,
  )
})

test('[G8] exactly the texts that JSON.parse reads are read, save those that could not be written back', () => {
  const noise = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    '\\u12',
    '\\ud83d',
    '\t',
    '\n',
    '\u0000',
    '\u00a0',
    '\u2028',
    '\ufeff',
    '/',
    '-',
    '+',
    '.',
    '0',
    '1',
    'e',
    'E',
    'null',
    'tru',
    'NaN',
    'é',
    '\\x',
    '00',
    '-0',
    '//',
  )
  const edits = fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 3), fc.oneof(noise, fc.constant(''))), {
    maxLength: 3,
  })
  let valid = 0
  let invalid = 0
  fc.assert(
    fc.property(document, edits, ({ text }, changes) => {
      let mutated = text
      for (const [place, length, piece] of changes) {
        const at = place % (mutated.length + 1)
        mutated = mutated.slice(0, at) + piece + mutated.slice(at + length)
      }
      let expected: { readonly value: unknown } | null = null
      try {
        expected = { value: read(mutated) }
      } catch {
        // Not JSON.
      }
      try {
        const parsed = parseJsonText(mutated)
        assert.deepStrictEqual({ value: parsed.value }, expected)
        assert.equal(rewriteJsonText(parsed, expected?.value), mutated)
        valid++
      } catch (error) {
        if (!(error instanceof JsonTextError)) throw error
        assert.equal(error.problem === 'syntax', expected === null, error.message)
        invalid++
      }
    }),
    { numRuns: 20_000 },
  )
  assert.ok(valid > 2000 && invalid > 2000, `${valid} valid, ${invalid} invalid`)
})

test('[C2] every number that JavaScript writes is held, and a held one is the same number in any notation', () => {
  const asRational = (text: string): readonly [bigint, bigint] => {
    const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e')
    const [whole = '', part = ''] = mantissa.split('.')
    const power = Number(exponent) - part.length
    const digits = BigInt(whole + part)
    return power >= 0 ? [digits * 10n ** BigInt(power), 1n] : [digits, 10n ** BigInt(-power)]
  }
  const isRead = (text: string): boolean => {
    try {
      return Object.is(parseJsonText(text).value, Number(text))
    } catch {
      return false
    }
  }
  const digits = fc.stringMatching(/^(0|[1-9]\d{0,20})(\.\d{1,20})?([eE][+-]?\d{1,2})?$/)
  fc.assert(
    fc.property(digits, fc.boolean(), (unsigned, isNegative) => {
      const text = (isNegative ? '-' : '') + unsigned
      const [top, bottom] = asRational(unsigned)
      const [heldTop, heldBottom] = asRational(String(Math.abs(Number(text))))
      assert.equal(isHeldNumber(text), top * heldBottom === heldTop * bottom)
      assert.equal(isHeldNumber(text), isRead(text))
    }),
    runs,
  )
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => isHeldNumber(String(value))),
    runs,
  )
})

test('[R9] a new document reads as what was written, in every form', () => {
  const options = fc.record({
    indent: fc.constantFrom(0, 2, '\t'),
    eol: fc.constantFrom('\n' as const, '\r\n' as const),
    finalNewline: fc.boolean(),
    ascii: fc.boolean(),
  })
  fc.assert(
    fc.property(jsonValue, options, document, (value, asked, like) => {
      const text = stringifyJson(value, asked)
      assert.deepStrictEqual(read(text), value)
      assert.equal(/[\r\n]$/.test(text), asked.finalNewline)
      if (asked.ascii) assert.match(text, /^[\0-\x7f]*$/)
      assert.deepStrictEqual(read(stringifyJson(value, { like: parseJsonText(like.text) })), value)
    }),
    runs,
  )
})

test('[R7] lines and elements joined again are the text they came from', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('\n', '\r\n', '\r', '{}', '\ufeff', '\u2028', 'x')), (parts) => {
      const text = parts.join('')
      const lines = [...splitLines(text)]
      assert.equal(lines.map((line) => line.text + line.end).join(''), text)
      assert.ok(lines.every((line) => !line.text.includes('\n')))
    }),
    runs,
  )
  fc.assert(
    fc.property(fc.array(document), (documents) => {
      const text = `[${documents.map((each) => each.text.replace(/^\ufeff/, '')).join(',')}]`
      const { elements, join } = splitElements(text)
      assert.deepStrictEqual(elements.map(read), read(text))
      assert.equal(join([...elements]), text)
      assert.deepStrictEqual(
        read(join(elements.map((_, index) => String(index)))),
        elements.map((_, index) => index),
      )
    }),
    runs,
  )
})
