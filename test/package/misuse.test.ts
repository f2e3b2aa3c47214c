import assert from 'node:assert/strict'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { checkout } from '../support/checkout.js'
import { compilers } from './compilers.js'
import { PackedProject } from './packed-project.js'

const types = join(checkout, 'test/types')
const misuses = readFileSync(join(types, 'misuse.ts'), 'utf8')
  .split('\n')
  .flatMap((line, index) => {
    const what = /^\/\/ @ts-expect-error (.*)$/.exec(line)?.[1]
    return what === undefined ? [] : [{ what, line: index + 1 }]
  })

test('[D3] all 19 misuses are there', () => {
  assert.equal(misuses.length, 19)
})

for (const { name, skip, compile } of compilers) {
  if (skip !== false) {
    test(`[D3] ${name} refuses the misuses and accepts a framework's declarations`, { skip }, () => {})
    continue
  }
  let said = ''
  before(() => {
    said = compile(types)
  })
  for (const { what, line } of misuses)
    test(`[D3] ${name} refuses: ${what}`, () => {
      // An @ts-expect-error that nothing provoked is an error itself.
      assert.ok(!said.includes(`misuse.ts(${line},`), `misuse.ts:${line} compiles`)
    })

  test(`[D3] ${name} accepts the design's own example, and finds no other error in the misuses`, () => {
    assert.deepEqual(
      said.split('\n').filter((line) => line !== '' && !line.includes('TS2578')),
      [],
    )
  })

  test(`[R2] ${name}: a framework's declarations can be written, and serve a consumer's project`, () => {
    const project = new PackedProject(['@types', 'undici-types', 'zod'])
    after(() => project.remove())
    const framework = join(project.path, 'node_modules/framework')
    cpSync(join(types, 'framework'), framework, { recursive: true })
    assert.equal(compile(framework), '')
    const declarations = readFileSync(join(framework, 'dist/index.d.ts'), 'utf8')
    assert.doesNotMatch(declarations, /\bany\b/)
    cpSync(join(types, 'consumer'), join(project.path, 'consumer'), { recursive: true })
    cpSync(join(types, 'tsconfig.json'), join(project.path, 'consumer/tsconfig.json'))
    project.write('consumer/package.json', '{ "type": "module" }')
    assert.equal(compile(join(project.path, 'consumer')), '')
  })
}
