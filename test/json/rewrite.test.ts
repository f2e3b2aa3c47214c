import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { parseJsonText } from '#moult/json/parse.js'
import { rewriteJsonText } from '#moult/json/rewrite.js'

type Document = Record<string, unknown>

function rewrite(text: string, step: (value: any) => unknown, first?: string): string {
  const parsed = parseJsonText(text)
  return rewriteJsonText(parsed, step(parsed.value), first === undefined ? {} : { first })
}

/** What `text` becomes, and the same in one line, with tabs, and with CRLF and a byte order mark. */
function rewriteInEachLook(text: string, step: (value: any) => unknown): string[] {
  const value: unknown = JSON.parse(text)
  const looks = [
    JSON.stringify(value),
    JSON.stringify(value, null, '\t') + '\n',
    '\ufeff' + JSON.stringify(value, null, 2).replaceAll('\n', '\r\n'),
  ]
  return looks.map((look) => rewrite(look, step))
}

test('[C2] only the changed value is rewritten: numbers, escapes, order, spaces and a missing last newline survive', () => {
  const text = '\ufeff{ "z":1.0,\r\n\t"a" : 1e3 ,"e":"\\u00e9\\/", "n" : [ -0, 12.50,null ] , "t": false }'
  assert.equal(
    rewrite(text, (value: Document) => ({ t: true, ...value, n: [-0, 12.5, 'x'] })),
    text.replace('null', '"x"'),
  )
})

test('[C2] a step that changes its input in place and returns it is seen', () => {
  const step = (value: { tags: string[]; n?: number }): unknown => {
    value.tags.push('c')
    delete value.n
    return value
  }
  assert.equal(rewrite('{"n": 1, "tags": ["a", "b"]}', step), '{"tags": ["a", "b", "c"]}')
})

test('[C1] a version key that was missing comes first if asked, one that is there stays where it is', () => {
  const stamp = (value: Document): unknown => ({ ...value, schema_version: 2 })
  assert.equal(
    rewrite('{\n  "id": "x",\n  "n": 1\n}\n', stamp, 'schema_version'),
    '{\n  "schema_version": 2,\n  "id": "x",\n  "n": 1\n}\n',
  )
  assert.equal(rewrite('{"id":"x"}', stamp, 'schema_version'), '{"schema_version":2,"id":"x"}')
  assert.equal(rewrite('{"id":"x"}', stamp), '{"id":"x","schema_version":2}')
  assert.equal(rewrite('{"id":"x","schema_version":1}', stamp, 'schema_version'), '{"id":"x","schema_version":2}')
  assert.equal(rewrite('{ }', stamp, 'schema_version'), '{"schema_version":2}')
  assert.equal(
    rewrite('{"inner":{}}', ({ inner }) => ({ inner: stamp(inner) }), 'schema_version'),
    '{"inner":{"schema_version":2}}',
  )
})

test('[R7] a renamed field stays in its place and keeps its text; an added one stands after the key before it', () => {
  const rename = (value: Document): unknown =>
    Object.fromEntries(Object.entries(value).map(([key, member]) => [key === 'msgs' ? 'messages' : key, member]))
  assert.equal(
    rewrite('{"id": 1, "msgs": [1.0, "\\u0041"], "end": 2}', rename),
    '{"id": 1, "messages": [1.0, "\\u0041"], "end": 2}',
  )
  const move = ({ msgs, ...rest }: Document): unknown => ({ ...rest, messages: msgs })
  assert.equal(rewrite('{"msgs": [1.0], "end": 2}', move), '{"end": 2, "messages": [1.0]}')
  assert.equal(
    rewrite('{"b":1,"d":2}', ({ b, d }) => ({ a: 0, b, c: 1, d, e: 3 })),
    '{"a":0,"b":1,"c":1,"d":2,"e":3}',
  )
})

test('[R7] a version 1.0 that goes does not become the text of a version 1 that comes', () => {
  assert.equal(
    rewrite('{"v": 1.0, "x": 2.0}', ({ v, ...rest }) => ({ schema_version: v, ...rest })),
    '{"schema_version": 1, "x": 2.0}',
  )
})

test('[C2] kept keys keep the order of the file, whatever the order of the result', () => {
  assert.equal(
    rewrite('{"a":1,"b":2,"c":3}', ({ a, b, c }) => ({ c, b: b + 1, a })),
    '{"a":1,"b":3,"c":3}',
  )
})

test('[C2] keys such as "7", which JavaScript lists first, stay and are added among their own', () => {
  assert.equal(
    rewrite('{"b":1,"7":2}', (value: Document) => ({ ...value, 9: 3, c: 4 })),
    '{"b":1,"c":4,"7":2,"9":3}',
  )
  assert.equal(
    rewrite('{"b":1}', (value: Document) => ({ ...value, 9: 3 })),
    '{"b":1,"9":3}',
  )
})

test('[C2] what is added looks like what it stands beside', () => {
  const step = (value: Document): unknown => ({
    ...value,
    list: [{ id: 1 }, { id: 2, at: null }],
    more: { deep: [], text: 'x' },
  })
  assert.deepEqual(rewriteInEachLook('{"list":[{"id":1}]}', step), [
    '{"list":[{"id":1},{"id":2,"at":null}],"more":{"deep":[],"text":"x"}}',
    '{\n\t"list": [\n\t\t{\n\t\t\t"id": 1\n\t\t},\n\t\t{\n\t\t\t"id": 2,\n\t\t\t"at": null\n\t\t}\n\t],\n\t"more": {\n\t\t"deep": [],\n\t\t"text": "x"\n\t}\n}\n',
    '\ufeff{\r\n  "list": [\r\n    {\r\n      "id": 1\r\n    },\r\n    {\r\n      "id": 2,\r\n      "at": null\r\n    }\r\n  ],\r\n  "more": {\r\n    "deep": [],\r\n    "text": "x"\r\n  }\r\n}',
  ])
})

test('[C2] a short array on one line inside an indented document stays on its line', () => {
  const text = '{\n    "tags": ["a", "b"],\n    "one": [{"k": 1}],\n    "none": {}\n}\n'
  const step = (value: any): unknown => ({
    ...value,
    tags: ['a', 'x', 'b'],
    one: [{ k: 1, l: 2 }, { k: 3 }],
    none: { m: [1] },
  })
  assert.equal(
    rewrite(text, step),
    '{\n    "tags": ["a", "x", "b"],\n    "one": [{"k": 1, "l": 2}, {"k": 3}],\n    "none": {\n        "m": [\n            1\n        ]\n    }\n}\n',
  )
})

test('[C2] commas at the start of lines stay there', () => {
  assert.equal(
    rewrite('{ "a": 1\n, "b": 2\n}', (value: Document) => ({ ...value, c: 3 })),
    '{ "a": 1\n, "b": 2\n, "c": 3\n}',
  )
})

test('[C2] removed members leave with their comma, first, middle, last and all', () => {
  const text = '{\n  "a": 1,\n  "b": 2,\n  "c": 3\n}'
  assert.equal(
    rewrite(text, ({ b, c }) => ({ b, c })),
    '{\n  "b": 2,\n  "c": 3\n}',
  )
  assert.equal(
    rewrite(text, ({ a, c }) => ({ a, c })),
    '{\n  "a": 1,\n  "c": 3\n}',
  )
  assert.equal(
    rewrite(text, ({ a, b }) => ({ a, b })),
    '{\n  "a": 1,\n  "b": 2\n}',
  )
  assert.equal(
    rewrite(text, () => ({})),
    '{}',
  )
  assert.equal(
    rewrite('[1.0, 2.0]', () => []),
    '[]',
  )
})

test('[R9] a file that escapes non-ASCII gets new text escaped too, in its own case; another gets it raw', () => {
  const step = (value: Document): unknown => ({ ...value, é: 'é😀' })
  assert.equal(rewrite('{"a":"\\u00eb"}', step), '{"a":"\\u00eb","\\u00e9":"\\u00e9\\ud83d\\ude00"}')
  assert.equal(rewrite('{"a":"\\u00EB"}', step), '{"a":"\\u00EB","\\u00E9":"\\u00E9\\uD83D\\uDE00"}')
  for (const text of ['{"a":"ë"}', '{"a":"ë\\u00eb"}', '{"a":"e"}', '{"a":"\\u001f"}', '{"a":"\\\\u00eb"}']) {
    assert.equal(rewrite(text, step), `${text.slice(0, -1)},"é":"é😀"}`)
  }
})

test('[C2] an element put in, taken out or changed in a long array leaves the text of the others', () => {
  const text = '[{"id":1,"x":1.0},{"id":2,"x":2.0},{"id":3,"x":3.0},{"id":4,"x":4.0}]'
  assert.equal(
    rewrite(text, (list: unknown[]) => list.toSpliced(1, 1)),
    '[{"id":1,"x":1.0},{"id":3,"x":3.0},{"id":4,"x":4.0}]',
  )
  assert.equal(
    rewrite(text, (list: unknown[]) => list.toSpliced(1, 1).map((each: any) => ({ ...each, y: 0 }))),
    '[{"id":1,"x":1.0,"y":0},{"id":3,"x":3.0,"y":0},{"id":4,"x":4.0,"y":0}]',
  )
  assert.equal(
    rewrite(text, (list: unknown[]) => [...list.slice(2), { id: 5 }]),
    '[{"id":3,"x":3.0},{"id":4,"x":4.0},{"id":5}]',
  )
  assert.equal(
    rewrite(text, (list: any[]) => list.map((each) => (each.id === 3 ? { ...each, id: 'c' } : each))),
    text.replace('"id":3', '"id":"c"'),
  )
})

test('[C2] a backslash that a step writes is not taken for the escape it looks like', () => {
  assert.equal(
    rewrite('["a\\n"]', () => ['a\\n']),
    '["a\\\\n"]',
  )
  assert.equal(
    rewrite('{"a\\n":1}', () => ({ 'a\\n': 1 })),
    '{"a\\\\n":1}',
  )
})

test('[C2] minus zero is not zero: a file keeps it, and a step can write it', () => {
  assert.equal(
    rewrite('[-0,-0.0,0]', (list: unknown[]) => [...list]),
    '[-0,-0.0,0]',
  )
  assert.equal(
    rewrite('[-0,0]', () => [0, -0]),
    '[0,-0]',
  )
})

test('[C2] undefined members are absent, as in JSON.stringify', () => {
  assert.equal(
    rewrite('{"a":1,"b":2}', () => ({ a: undefined, b: 2, c: undefined })),
    '{"b":2}',
  )
  assert.equal(
    rewrite('{"a":1}', () => ({ a: 1, [Symbol('tag')]: 1, c: undefined })),
    '{"a":1}',
  )
})

test('[C3] a result that JSON cannot hold is refused, saying where and why, never what', () => {
  class Session {
    id = 'secret'
  }
  const loop: Document = {}
  loop['self'] = [loop]
  const cases: [unknown, string, string][] = [
    [undefined, '$', 'undefined is not a JSON value'],
    [{ a: [1, undefined] }, '$.a[1]', 'undefined is not a JSON value'],
    [{ a: new Array(2) }, '$.a[0]', 'undefined is not a JSON value'],
    [{ a: [Number.NaN] }, '$.a[0]', 'JSON has no such number'],
    [{ b: { 'c d': -Infinity } }, '$.b["c d"]', 'JSON has no such number'],
    [{ a: 1n }, '$.a', 'a bigint is not a JSON value'],
    [{ a: () => 'secret' }, '$.a', 'a function is not a JSON value'],
    [{ a: Symbol('secret') }, '$.a', 'a symbol is not a JSON value'],
    [{ a: new Date(0) }, '$.a', 'an instance of a class is not a JSON value'],
    [{ a: new Map() }, '$.a', 'an instance of a class is not a JSON value'],
    [{ a: [1, 'x'], b: new Session() }, '$.b', 'an instance of a class is not a JSON value'],
    [new Session(), '$', 'an instance of a class is not a JSON value'],
    [loop, '$.self[0]', 'the value contains itself'],
    [Promise.resolve({}), '$', 'an instance of a class is not a JSON value'],
  ]
  for (const [after, path, reason] of cases) {
    for (const text of ['{"a":[1,"x"],"b":{"id":"secret"}}', '{"id":"secret"}', '7']) {
      const parsed = parseJsonText(text)
      assert.throws(() => rewriteJsonText(parsed, after), { name: 'JsonValueError', reason }, path)
      if (text === '7') assert.throws(() => rewriteJsonText(parsed, after), { path, message: `${path}: ${reason}` })
    }
  }
})

test('[C2] objects without a prototype, from another realm, and keys named __proto__ are written like any other', () => {
  assert.equal(
    rewrite('{"a":1}', () => Object.assign(Object.create(null), { a: 1, b: 2 })),
    '{"a":1,"b":2}',
  )
  assert.equal(
    rewrite('{"a":1}', () => runInNewContext('({ a: 1, b: [2] })')),
    '{"a":1,"b":[2]}',
  )
  const hostile = '{"__proto__":{"isAdmin":true},"a":1}'
  const parsed = parseJsonText(hostile)
  assert.equal(({} as Document)['isAdmin'], undefined)
  assert.equal((parsed.value as Document)['isAdmin'], undefined)
  assert.equal(rewriteJsonText(parsed, { ...(parsed.value as object), a: 2 }), '{"__proto__":{"isAdmin":true},"a":2}')
  assert.equal(rewriteJsonText(parsed, { a: 1 }), '{"a":1}')
})

test('[C2] a line of a JSONL file stays one line whatever is put in', () => {
  const line = rewrite('{"type":1}', (value: Document) => ({ ...value, text: 'a\nb\r\u2028', list: [{ a: [1] }] }))
  assert.equal(line, '{"type":1,"text":"a\\nb\\r\u2028","list":[{"a":[1]}]}')
})

test('[R9] deep nesting is refused on both sides before any stack overflows', () => {
  const deep = (levels: number): unknown => {
    let value: unknown = 1
    for (let level = 0; level < levels; level++) value = [value]
    return value
  }
  const text = '[ '.repeat(1000) + '1.0' + ' ]'.repeat(1000)
  const parsed = parseJsonText(text)
  assert.equal(rewriteJsonText(parsed, deep(1000)), text)
  let inner = parsed.value as unknown[]
  while (Array.isArray(inner[0])) inner = inner[0] as unknown[]
  inner.push(2)
  assert.equal(rewriteJsonText(parsed, parsed.value), text.replace('1.0', '1.0,2'))
  assert.equal(rewriteJsonText(parseJsonText('0'), deep(1000)), '['.repeat(1000) + '1' + ']'.repeat(1000))
  for (const levels of [1001, 100_000]) {
    assert.throws(() => rewriteJsonText(parseJsonText('0'), deep(levels)), { reason: 'nested deeper than 1000' })
    assert.throws(() => rewriteJsonText(parsed, deep(levels)), { reason: 'nested deeper than 1000' })
    assert.throws(() => rewriteJsonText(parseJsonText('{"a":[1,2],"b":0}'), { a: [deep(levels), 5, 6], b: 0 }), {
      reason: 'nested deeper than 1000',
    })
  }
})

test('[R9] rewriting takes time in proportion to the text, also for nested arrays and arrays without a common element', () => {
  const started = performance.now()
  const count = 20_000
  const list = JSON.stringify(Array.from({ length: count }, (_, id) => ({ id, n: id % 7 })))
  const shuffled = (value: { id: number }[]): unknown =>
    value.toSorted((a, b) => ((a.id * 7919) % count) - ((b.id * 7919) % count))
  rewrite(list, shuffled)
  rewrite(list, (value: unknown[]) => value.map((_, at) => ({ other: at })).slice(3))
  rewrite(list, (value: { id: number }[]) =>
    value.filter(({ id }) => id % 3 > 0).map((each) => ({ ...each, seen: true })),
  )
  // Each level holds a long text before the changed one: comparing it anew from every level above would take minutes.
  const nested = `[${`"${'x'.repeat(20_000)}",[`.repeat(900)}0${']'.repeat(900)}]`
  rewrite(nested, (value: unknown[]) => {
    let inner = value
    while (Array.isArray(inner.at(-1))) inner = inner.at(-1) as unknown[]
    inner[0] = 1
    return value
  })
  assert.ok(performance.now() - started < 10_000)
})
