import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { errorTable } from 'moult'
import { commands } from '#moult/cli/commands.js'
import { fillDocument } from '#moult/cli/document.js'
import { parseArgs } from '#moult/cli/parse-args.js'
import { checkout } from '../support/checkout.js'

const page = readFileSync(join(checkout, 'docs/cli.md'), 'utf8')

test('[A9] docs/cli.md has a section for each command, and no other', () => {
  const sections = [...page.matchAll(/^### `([a-z-]+)/gm)].map(([, name]) => name)
  assert.deepEqual(
    sections,
    commands.map(({ name }) => name),
  )
})

test('[A9] docs/cli.md lists every flag of every command, and only flags that are there', () => {
  const helpOf = (args: readonly string[]): string => {
    const parsed = parseArgs([...args, '--help'], { name: 'moult', defaultCommand: null, own: { version: '' } })
    return parsed.is === 'text' ? parsed.text : ''
  }
  const flagsIn = (text: string): string[] => [
    ...new Set([...text.matchAll(/--[a-z]+(?:-[a-z]+)*/g)].map(([flag]) => flag)),
  ]
  const known = flagsIn([helpOf([]), ...commands.map(({ name }) => helpOf([name]))].join('\n'))
  assert.ok(known.includes('--target') && known.includes('--data-dir'))
  const listed = flagsIn(page)
  assert.deepEqual(
    known.filter((flag) => !listed.includes(flag)),
    [],
  )
  assert.deepEqual(
    listed.filter((flag) => !known.includes(flag)),
    [],
  )
  for (const { name, flags } of commands) {
    const section = page.split(`### \`${name}`)[1]?.split('\n#')[0] ?? ''
    for (const { flag } of flags) assert.ok(section.includes(`\`${flag}\``), `${name}: ${flag}`)
  }
})

test('[A9] docs/cli.md lists every exit code and every key of the document', () => {
  for (const exit of new Set([0, 1, ...Object.values(errorTable).map((row) => row.exit)]))
    assert.match(page, new RegExp(`^\\| ${exit} +\\|`, 'm'))
  for (const key of Object.keys(fillDocument(null, 0, {}))) assert.ok(page.includes(`\`${key}\``), key)
})
