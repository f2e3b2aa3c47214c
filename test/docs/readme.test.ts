import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { test } from 'node:test'
import { codeBlocks, readPage } from './pages.js'
import { emptyProject } from './readme-project.js'

const blocks = codeBlocks(readPage('README.md'))

/** The block that begins by naming its file. */
function fileBlock(name: string): string {
  const block = blocks.find(({ code }) => code.startsWith(`// ${name}\n`))
  assert.ok(block, `README.md has no block for ${name}`)
  return block.code
}

test('[D1] the README’s example, copied into a project, upgrades the data and prints what the README says', (t) => {
  const folder = emptyProject(t, ['zod', 'better-sqlite3'])
  for (const name of ['moult.config.mjs', 'app.mjs']) writeFileSync(join(folder, name), fileBlock(name))
  const script = blocks.find(({ language, code }) => language === 'sh' && code.includes('node app.mjs'))
  const expected = blocks.find(({ language, code }) => language === 'text' && code.includes('/your/project'))
  assert.ok(script && expected)
  const { status, stdout, stderr } = spawnSync('bash', ['-euc', script.code], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter) },
  })
  assert.equal(status, 0, stderr)
  assert.equal(stdout.replaceAll(folder, '/your/project'), expected.code)
})

test('[D1] a config of the README in TypeScript works as it is', (t) => {
  const folder = emptyProject(t, ['zod', 'better-sqlite3'])
  const config = fileBlock('moult.config.mjs').replace("new URL('./data'", "new URL('./'")
  writeFileSync(join(folder, 'moult.config.ts'), config)
  const { status, stdout, stderr } = spawnSync(join(folder, 'node_modules/.bin/moult'), ['plan'], {
    cwd: folder,
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  assert.match(stdout, /index\/import-sessions +brings it to version 2; sees sessions@2/)
})
