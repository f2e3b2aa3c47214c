import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { errorTable } from 'moult'
import { warningTable } from '#moult/model/warnings.js'
import { checkout } from '../support/checkout.js'
import { readPage } from './pages.js'

const [head = '', later = ''] = readPage('docs/spec.md').text.split('\n## Not yet in force\n')
const inForce = [...head.matchAll(/^- \*\*([GRACKWPD]\d+)\*\* \S/gm)].map(([, id = '']) => id)
const known = new Set([...inForce, ...[...later.matchAll(/\*\*([GRACKWPD]\d+)\*\*/g)].map(([, id = '']) => id)])

interface TestSource {
  readonly path: string
  readonly text: string
}

const sources: readonly TestSource[] = readdirSync(join(checkout, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ path: `test/${name}`, text: readFileSync(join(checkout, 'test', name), 'utf8') }))

/** Titles as they stand in the sources: what is the first argument of a call. A skipped test proves nothing. */
function titlesOf({ text }: TestSource): readonly string[] {
  const calls = text.matchAll(
    /(?:(?<![.\w])\w+|\bt\.test)\(\s*(?:'(\[(?:[^'\\\n]|\\.)*)'|"(\[(?:[^"\\\n]|\\.)*)"|`(\[(?:[^`\\]|\\.)*)`)/g,
  )
  return [...calls].map(([, single, double, template]) => single ?? double ?? template ?? '')
}

/** The rules that a title begins with: `[G1] …`, `[R5, G8] …`, `[R5][G8] …`. */
function rulesOf(title: string): readonly string[] {
  const lead = /^(?:\[[^\]]*\]\s*)+/.exec(title)?.[0] ?? ''
  return lead.match(/\b[GRACKWPD]\d+\b/g) ?? []
}

const titles = sources.flatMap((source) => titlesOf(source).map((title) => ({ path: source.path, title })))
const named = new Set(titles.flatMap(({ title }) => rulesOf(title)))

test('[D3] every rule in force has a test that names it', () => {
  assert.ok(inForce.length > 50, 'the rules were found')
  assert.deepEqual(
    inForce.filter((id) => !named.has(id)),
    [],
  )
})

test('[D3] a rule stands once in the spec, in force or not', () => {
  const all = [...head.matchAll(/^- \*\*([GRACKWPD]\d+)\*\*/gm), ...later.matchAll(/\*\*([GRACKWPD]\d+)\*\*/g)].map(
    ([, id = '']) => id,
  )
  assert.deepEqual(
    all.filter((id, index) => all.indexOf(id) !== index),
    [],
  )
})

test('[D3] no test names a rule that is not in the spec', () => {
  const strays = titles.flatMap(({ path, title }) =>
    rulesOf(title)
      .filter((id) => !known.has(id))
      .map((id) => `${path}: ${id}`),
  )
  assert.deepEqual(strays, [])
})

test('[D3] every code of an error or a warning stands in a test', () => {
  const text = sources
    .filter(({ path }) => !path.startsWith('test/docs/') && !path.startsWith('test/types/'))
    .map((source) => source.text)
    .join('\n')
  assert.deepEqual(
    [...Object.keys(errorTable), ...Object.keys(warningTable)].filter(
      (code) => !new RegExp(`\\b${code}\\b`).test(text),
    ),
    [],
  )
})
