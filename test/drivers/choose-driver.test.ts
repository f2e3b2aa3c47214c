import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { betterSqlite3 } from '#moult/drivers/better-sqlite3.js'
import { storeDriver } from '#moult/drivers/choose-driver.js'
import { isSqliteLibrary } from '#moult/drivers/loaded-libraries.js'
import { hasNodeSqlite } from '#moult/drivers/node-sqlite.js'
import { loadBetterSqlite3 } from './available-drivers.js'
import { scratch } from './scratch.js'

const run = promisify(execFile)
const addon = join(process.cwd(), hasNodeSqlite() ? 'tools/node24' : '.', 'node_modules', 'better-sqlite3')
const better = loadBetterSqlite3()
const noAddon = typeof better === 'string' && better
const notOn20 = hasNodeSqlite() && 'only where there is no node:sqlite'

/** A project of its own with a copy of moult's code, in which a script runs. */
function project(directory: string): {
  readonly script: (code: string) => Promise<{ stdout: string; stderr: string }>
} {
  const moult = join(directory, 'node_modules', 'moult')
  cpSync(join(process.cwd(), 'build/src'), join(moult, 'src'), { recursive: true })
  writeFileSync(join(moult, 'package.json'), '{ "type": "module" }')
  return {
    script: (code) => {
      const imports = `
        import { createRequire } from 'node:module'
        import { lockDriver, storeDriver } from './node_modules/moult/src/drivers/choose-driver.js'
        const require = createRequire(process.cwd() + '/x')
        const tell = (work) => { try { console.log(work().name) } catch (error) { console.log(error.code, error.message, '|', error.hint) } }`
      writeFileSync(join(directory, 'script.mjs'), `${imports}\n${code}`)
      return run(process.execPath, ['script.mjs'], { cwd: directory })
    },
  }
}

function copyAddon(directory: string): void {
  for (const name of ['bindings', 'file-uri-to-path'])
    cpSync(join(process.cwd(), 'node_modules', name), join(directory, 'node_modules', name), { recursive: true })
  const to = join(directory, 'node_modules', 'better-sqlite3')
  for (const part of ['lib', 'package.json', 'build/Release/better_sqlite3.node', 'prebuilds'])
    try {
      cpSync(join(addon, part), join(to, part), { recursive: true })
    } catch {
      // 12 is built in build/, 13 comes in prebuilds/
    }
}

test('[P1] a driver that was chosen is taken as it is', { skip: noAddon }, () => {
  if (typeof better === 'string') return
  const chosen = betterSqlite3(better)
  assert.equal(storeDriver(chosen), chosen)
  assert.throws(() => betterSqlite3({} as never), TypeError)
})

test('[P24] without any SQLite library the error says what to install', { skip: notOn20 }, async (t) => {
  const { stdout } = await project(scratch(t)).script('tell(() => lockDriver()); tell(() => storeDriver(null))')
  for (const line of stdout.trim().split('\n'))
    assert.match(line, /^DRIVER_MISSING .*not installed.*npm install better-sqlite3@12/)
})

test(
  '[P24] a better-sqlite3 that cannot be loaded is told from one that is not installed',
  { skip: notOn20 },
  async (t) => {
    const directory = scratch(t)
    const moult = project(directory)
    const installed = join(directory, 'node_modules', 'better-sqlite3')
    mkdirSync(installed)
    writeFileSync(
      join(installed, 'package.json'),
      '{ "version": "13.0.0", "engines": { "node": ">=22" }, "main": "index.js" }',
    )
    writeFileSync(join(installed, 'index.js'), 'process.abort()')
    const tooNew = await moult.script('tell(() => lockDriver())')
    assert.match(tooNew.stdout, /^DRIVER_MISSING .*is installed.*cannot load it: better-sqlite3 13.0.0 needs Node 22/)
    writeFileSync(join(installed, 'package.json'), '{ "version": "12.0.0", "main": "index.js" }')
    writeFileSync(
      join(installed, 'index.js'),
      'throw new Error("Could not locate the bindings file. Tried:\\n a\\n b")',
    )
    const unbuilt = await moult.script('tell(() => lockDriver())')
    assert.match(unbuilt.stdout, /^DRIVER_MISSING .*is installed.*Could not locate the bindings file/)
  },
)

test(
  "[P24] an app's better-sqlite3 is found beside moult, and beside the app when moult is linked from elsewhere",
  { skip: notOn20 || noAddon },
  async (t) => {
    const directory = scratch(t)
    const moult = project(directory)
    copyAddon(directory)
    assert.equal(
      (await moult.script('tell(() => lockDriver()); tell(() => storeDriver(null))')).stdout,
      'better-sqlite3\nbetter-sqlite3\n',
    )
    const app = scratch(t)
    copyAddon(app)
    const elsewhere = scratch(t)
    project(elsewhere)
    writeFileSync(
      join(app, 'main.mjs'),
      `import { lockDriver } from '${join(elsewhere, 'node_modules', 'moult', 'src', 'drivers', 'choose-driver.js')}'\nconsole.log(lockDriver().name)`,
    )
    assert.equal((await run(process.execPath, [join(app, 'main.mjs')], { cwd: elsewhere })).stdout, 'better-sqlite3\n')
  },
)

test(
  '[P1] two copies of one addon are two libraries, and the choice must be explicit',
  { skip: notOn20 || noAddon },
  async (t) => {
    const directory = scratch(t)
    const moult = project(directory)
    copyAddon(directory)
    copyAddon(join(directory, 'other'))
    const load = (path: string) => `new (require(${JSON.stringify(path)}))(':memory:').close();`
    const one = await moult.script(`${load('better-sqlite3')} tell(() => storeDriver(null))`)
    assert.equal(one.stdout, 'better-sqlite3\n')
    const two = await moult.script(
      `${load('./other/node_modules/better-sqlite3')} tell(() => storeDriver(null)); tell(() => lockDriver())`,
    )
    const [store, lock] = two.stdout.trim().split('\n')
    assert.match(store!, /^DRIVER_AMBIGUOUS .*better_sqlite3\.node, .*better_sqlite3\.node.*defineState\(\{ driver/)
    assert.equal(lock, 'better-sqlite3')
  },
)

test(
  '[P1] with node:sqlite, a loaded addon makes the choice ambiguous; lock files stay with node:sqlite',
  { skip: (!hasNodeSqlite() && 'needs node:sqlite; scripts/test-node24.mjs runs this') || noAddon },
  async (t) => {
    const moult = project(scratch(t))
    const { stdout } = await moult.script(`
    tell(() => storeDriver(null))
    new (require(${JSON.stringify(addon)}))(':memory:').close()
    tell(() => storeDriver(null))
    tell(() => lockDriver())`)
    const [alone, beside, lock] = stdout.trim().split('\n')
    assert.equal(alone, 'node:sqlite')
    assert.match(beside!, /^DRIVER_AMBIGUOUS .*node:sqlite, .*better/)
    assert.equal(lock, 'node:sqlite')
  },
)

test('[P24] choosing a driver prints nothing, and other warnings of the app still come through', async (t) => {
  const directory = scratch(t)
  const moult = project(directory)
  if (!hasNodeSqlite() && noAddon === false) copyAddon(directory)
  const { stderr } = await moult.script("tell(() => lockDriver()); process.emitWarning('of the app')")
  assert.match(stderr, /of the app/)
  assert.doesNotMatch(stderr, /SQLite/)
})

test('[P1] asking what is loaded leaves the diagnostic report as the app had set it', { skip: noAddon }, async (t) => {
  const moult = project(scratch(t))
  const { stdout } = await moult.script(`
    const had = process.report.excludeNetwork
    try { storeDriver(null) } catch {}
    console.log(had === process.report.excludeNetwork)`)
  assert.equal(stdout, 'true\n')
})

test('[P1] a loaded SQLite library is told from what only lies near one', () => {
  for (const path of [
    '/a/node_modules/better-sqlite3/build/Release/better_sqlite3.node',
    '/a/node_modules/better-sqlite3/prebuilds/linux-x64.node',
    'C:\\a\\node_modules\\@libsql\\win32-x64-msvc\\index.node',
    '/a/node_modules/sqlite3/build/Release/node_sqlite3.node',
    '/opt/app/resources/better_sqlite3.node',
    '/usr/lib/x86_64-linux-gnu/libsqlite3.so.0',
  ])
    assert.equal(isSqliteLibrary(path), true, path)
  for (const path of [
    '/home/me/my-sqlite-app/node_modules/sharp/build/sharp.node',
    '/home/me/sqlite/build/addon.node',
    '/a/node_modules/sqlite-vec-linux-x64/vec0.so',
    '/lib/x86_64-linux-gnu/libc.so.6',
  ])
    assert.equal(isSqliteLibrary(path), false, path)
})
