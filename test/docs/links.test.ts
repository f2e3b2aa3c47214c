import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import * as moult from 'moult'
import * as cli from 'moult/cli'
import { checkout } from '../support/checkout.js'
import { anchorsOf, proseOf, readPage, readPages } from './pages.js'

const pages = readPages()

for (const page of pages) {
  test(`[D2] every link of ${page.path} leads to a file, and to a heading in it`, () => {
    const links = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
    for (const link of links.filter((target) => !/^https?:/.test(target))) {
      const [file = '', anchor] = link.split('#')
      const path = file === '' ? page.path : normalize(join(dirname(page.path), file))
      assert.ok(existsSync(join(checkout, path)), `${page.path} links to ${link}, which is not there`)
      if (anchor !== undefined) assert.ok(anchorsOf(readPage(path)).has(anchor), `${link} names no heading of ${path}`)
    }
  })
}

test('[D2] the README leads to every page of docs/', () => {
  const { text } = readPage('README.md')
  for (const { path } of pages.filter((page) => page.path.startsWith('docs/')))
    assert.ok(text.includes(`(${path})`), `README.md does not link to ${path}`)
})

test('[D2] every function and table that moult exports is spoken of in a page', () => {
  const text = pages.map((page) => page.text).join('\n')
  const missing = [...Object.keys(moult), ...Object.keys(cli)].filter((name) => !new RegExp(`\\b${name}\\b`).test(text))
  assert.deepEqual(missing, [])
})

test('[D2] every name that moult exports, types too, stands in the API report', () => {
  const source = readPage('src/index.ts').text
  const names = [...source.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = '']) =>
    list
      .split(',')
      .map((each) => each.trim().split(' as ').at(-1) ?? '')
      .filter((each) => each !== ''),
  )
  assert.ok(names.length > 40, 'the exports were found')
  const report = readPage('api/moult.api.md').text
  assert.deepEqual(
    names.filter((name) => !new RegExp(`export (?:[a-z ]+ )?${name}\\b|export \\{[^}]*\\b${name}\\b`).test(report)),
    [],
  )
})
