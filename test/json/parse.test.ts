import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHeldNumber } from '#moult/json/held-number.js'
import { parseJsonText } from '#moult/json/parse.js'
import { splitElements, splitLines } from '#moult/json/split.js'
import { stringifyJson } from '#moult/json/stringify.js'

test('[G8] a number that JavaScript would round rejects the document; other notations of held ones do not', () => {
  const held = [
    '0',
    '-0',
    '-0.00',
    '1.0',
    '1e3',
    '1E+3',
    '1.10',
    '0.1',
    '100e-2',
    '0e9999999999',
    '1e23',
    '5e-324',
    '1.7976931348623157e308',
    '9007199254740992',
    '9007199254740994',
    '12345678901234567000',
    '0.30000000000000004',
    `1${'0'.repeat(308)}`,
    `0.${'0'.repeat(400)}1e401`,
  ]
  const rounded = [
    '9007199254740993',
    '12345678901234567890',
    '0.1000000000000000055511151231257827',
    '1e400',
    '-1e400',
    '1e-400',
    '1e-99999999999999999999',
    '1180591620717411303424',
    '1.00000000000000001',
    '3e-324',
    `1${'0'.repeat(309)}`,
  ]
  for (const text of held) {
    assert.equal(isHeldNumber(text), true, text)
    assert.deepEqual(parseJsonText(` [${text}]`).value, [Number(text)])
  }
  for (const text of rounded) {
    assert.equal(isHeldNumber(text), false, text)
    assert.throws(
      () => parseJsonText(`{"id":\n ${text}}`),
      { problem: 'number', line: 2, column: 2, reason: 'a number that JavaScript would round' },
      text,
    )
  }
})

test('[G8] a key that stands twice in one object rejects the document, also in disguise; in two objects it does not', () => {
  for (const text of [
    '{"a":1,"a":1}',
    '{"a":{"b":1,"c":[],"b":2}}',
    '[{"a":1,"\\u0061":2}]',
    '{"__proto__":1,"__proto__":2}',
    '{"a":{"x":1},"a":1}',
    '{"1":0,"1":0}',
  ]) {
    assert.throws(() => parseJsonText(text), { name: 'JsonTextError', problem: 'duplicate-key' }, text)
  }
  assert.throws(() => parseJsonText('{"k":{"a":1},\n  "l":{"a":1, "a":2}}'), { line: 2, column: 15 })
  parseJsonText('[{"a":{"a":1}},{"a":1}]')
})

test('[C3] a broken text is refused with line, column and reason, and nothing of its contents', () => {
  const cases: [string, number, number, string][] = [
    ['', 1, 1, 'the text is empty'],
    ['\ufeff \n', 2, 1, 'the text is empty'],
    ['{"secret":1,}', 1, 13, 'a key is missing'],
    ['{secret:1}', 1, 2, 'a key is missing'],
    ['{"secret" 1}', 1, 11, 'a colon is missing'],
    ['{"secret":}', 1, 11, 'a value is missing'],
    ['[1 2]', 1, 4, 'a comma or a closing bracket is missing'],
    ['[1}', 1, 3, 'a comma or a closing bracket is missing'],
    ['{"secret":[1', 1, 13, 'the text ends too early'],
    ['\ufeff{"secret":', 1, 11, 'the text ends too early'],
    ['"secret', 1, 8, 'a string does not end'],
    ['"sec\tret"', 1, 5, 'a control character in a string'],
    ['[\r\n"secret\\x"]', 2, 8, 'a malformed escape in a string'],
    ['"\\u00g0"', 1, 2, 'a malformed escape in a string'],
    ['01', 1, 2, 'more text after the document'],
    ['-', 1, 2, 'a malformed number'],
    ['1.e5', 1, 3, 'a malformed number'],
    ['{}\r\r\n secret', 3, 2, 'more text after the document'],
    ['NaN', 1, 1, 'a value is missing'],
    ['\u00a0{}', 1, 1, 'a value is missing'],
    ['[1] // secret', 1, 5, 'more text after the document'],
  ]
  for (const [text, line, column, reason] of cases) {
    assert.throws(() => parseJsonText(text), {
      name: 'JsonTextError',
      problem: 'syntax',
      line,
      column,
      reason,
      message: `line ${line}, column ${column}: ${reason}`,
    })
  }
  for (const levels of [1001, 10_000, 1_000_000]) {
    assert.throws(() => parseJsonText('[{"a":'.repeat(levels)), { problem: 'depth', reason: 'nested deeper than 1000' })
  }
})

test('[R9] a number of a million digits is judged in linear time', () => {
  const started = performance.now()
  const zeros = '0'.repeat(1_000_000)
  assert.equal(isHeldNumber(`0.${zeros}`), true)
  assert.equal(isHeldNumber(`0.${zeros}1${zeros}e1000001`), true)
  assert.equal(isHeldNumber(`1.${zeros}1`), false)
  assert.ok(performance.now() - started < 2000)
})

test('[R7] a JSONL file splits into lines with their ends: CRLF, blank, torn, with a byte order mark', () => {
  assert.deepEqual(
    [...splitLines('\ufeff{"a":1}\r\n\n{"b":2}\n{"c"')],
    [
      { text: '\ufeff{"a":1}', end: '\r\n' },
      { text: '', end: '\n' },
      { text: '{"b":2}', end: '\n' },
      { text: '{"c"', end: '' },
    ],
  )
  assert.deepEqual([...splitLines('')], [])
  assert.deepEqual([...splitLines('\n')], [{ text: '', end: '\n' }])
})

test('[R7] each element of an array file is a document: one that is refused keeps its text while others change', () => {
  const text = '\ufeff[\n  {"id": 1.0},\n  {"id": 12345678901234567890},\n  {"a": 1, "a": 2}\n]\n'
  const { elements, join } = splitElements(text)
  assert.deepEqual(elements, ['{"id": 1.0}', '{"id": 12345678901234567890}', '{"a": 1, "a": 2}'])
  assert.throws(() => parseJsonText(elements[1]!), { problem: 'number' })
  assert.equal(join(['{"id": 1.0, "v": 2}', ...elements.slice(1)]), text.replace('1.0', '1.0, "v": 2'))
  assert.equal(join([...elements]), text)
  assert.throws(() => join([]), TypeError)
  assert.throws(() => splitElements('{"secret":[]}'), { problem: 'syntax', reason: 'the document is not an array' })
  assert.throws(() => splitElements('[1'), { problem: 'syntax' })
})

test('[R9] a new document takes the look of one that is there', () => {
  const value = { id: 'é', list: [{ n: -0 }], none: [] }
  assert.equal(
    stringifyJson(value),
    '{\n  "id": "é",\n  "list": [\n    {\n      "n": -0\n    }\n  ],\n  "none": []\n}\n',
  )
  assert.equal(
    stringifyJson(value, { indent: 0, finalNewline: false, ascii: true }),
    '{"id":"\\u00e9","list":[{"n":-0}],"none":[]}',
  )
  assert.equal(stringifyJson([1], { indent: '\t', eol: '\r\n' }), '[\r\n\t1\r\n]\r\n')
  const looks = ['{"id":"\\u00E9"}', '{\r\n\t"id": "x"\r\n}\r\n', '{"id": "x", "list": []}\n'].map((like) =>
    stringifyJson({ id: 'é', l: [1, 2] }, { like: parseJsonText(like) }),
  )
  assert.deepEqual(looks, [
    '{"id":"\\u00E9","l":[1,2]}',
    '{\r\n\t"id": "é",\r\n\t"l": [\r\n\t\t1,\r\n\t\t2\r\n\t]\r\n}\r\n',
    '{"id": "é", "l": [1, 2]}\n',
  ])
})
