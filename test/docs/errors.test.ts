import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { errorTable } from 'moult'
import { checkout } from '../support/checkout.js'
import { anchorsOf, readPage } from './pages.js'

test('[D4] docs/errors.md is what the table of errors says', () => {
  const { status, stderr } = spawnSync(process.execPath, [join(checkout, 'scripts/errors.mjs')], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
})

test('[D4] every error has a section that says its exit code, the state of the data and what to do', () => {
  const page = readPage('docs/errors.md')
  const anchors = anchorsOf(page)
  for (const [code, { exit }] of Object.entries(errorTable)) {
    assert.ok(anchors.has(code.toLowerCase()), code)
    const section = page.text.split(`\n### ${code}\n`)[1]?.split(/\n##/)[0] ?? ''
    assert.match(section, new RegExp(`\\*\\*Exit code:\\*\\* ${exit}\\b`), code)
    assert.match(section, /\*\*The data:\*\* \S/, code)
    assert.match(section, /\*\*What to do:\*\* \S/, code)
  }
})
