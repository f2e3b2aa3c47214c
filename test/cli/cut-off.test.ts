import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CliProject, configOf, twoSteps } from './cli-project.js'

interface Document {
  readonly command: string
  readonly ok: boolean
  readonly error: { readonly code: string; readonly message: string }
}

const step = (up: string): string => configOf(`${twoSteps}.step('third', { up: async () => { ${up} } })`)
const endless = 'await new Promise(() => {})'
const cases: Readonly<Record<string, readonly [config: string, message: RegExp]>> = {
  'a step whose promise never settles': [step(endless), /never comes/],
  'a config whose promise never settles': [`${endless}\n`, /never comes/],
  'a step that ends the process': [step('process.exit(0)'), /ended the process/],
  'a config that ends the process': ['process.exit(0)\n', /ended the process/],
  'a step that ends it with a code that has a meaning': [step('process.exit(3)'), /ended the process/],
  'a rejection that nobody handles': [step("Promise.reject(new Error('late')); " + endless), /ended the process/],
}

for (const [what, [config, message]] of Object.entries(cases))
  test(`[G8] ${what}: 1, a message and a document, never success`, async (t) => {
    const project = new CliProject({ 'moult.config.mjs': config })
    t.after(() => project.remove())
    const { code, stdout, stderr } = await project.run(['upgrade', '--json'])
    assert.equal(code, 1, stderr)
    const { command, ok, error } = JSON.parse(stdout) as Document
    assert.deepEqual([command, ok, error.code], ['upgrade', false, 'UNEXPECTED'])
    assert.match(error.message, message)
    assert.match(stderr, message)
    const plain = await project.run(['upgrade'])
    assert.deepEqual([plain.code, plain.stdout], [1, ''])
    assert.match(plain.stderr, message)
    project.write('moult.config.mjs', configOf(twoSteps))
    assert.equal((await project.run(['upgrade'])).code, 0)
  })
