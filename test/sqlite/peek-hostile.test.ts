import assert from 'node:assert/strict'
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { peek } from '#moult/stores/sqlite/peek.js'
import { type Content, copyDatabase, makeDirectory, openDatabase, readWithSqlite } from './peek-fixture.js'

const suffixes = ['', '-wal', '-journal'] as const
type Files = Readonly<Record<(typeof suffixes)[number], Buffer | null>>

const tables = ['moult_steps', 'data']

/** A small database with overflow pages and inner tree pages; with a committed WAL, or with a hot journal. */
function makeFiles(directory: string, kind: 'closed' | 'wal' | 'hot'): Files {
  const live = join(directory, `${kind}.db`)
  const db = openDatabase(live)
  db.exec(`PRAGMA page_size=512; PRAGMA journal_mode=${kind === 'wal' ? 'wal' : 'delete'}; PRAGMA cache_size=1`)
  db.exec('CREATE TABLE moult_steps(version INTEGER PRIMARY KEY, name TEXT); CREATE TABLE data(a, b, c DEFAULT 1)')
  const fill = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 40)`
  db.exec(`INSERT INTO moult_steps ${fill} SELECT NULL, printf('%0*d', i * 5, i) FROM n`)
  db.exec(`INSERT INTO data ${fill} SELECT i * 1.5, zeroblob(i * 60), 'c' FROM n`)
  if (kind === 'hot') {
    db.exec('BEGIN; UPDATE data SET a = a + 1; DELETE FROM moult_steps')
    linkSync(`${live}-journal`, join(directory, 'crashed.db-journal'))
    db.exec('COMMIT')
  }
  const read = (path: string) => (existsSync(path) ? readFileSync(path) : null)
  const files = {
    '': read(live),
    '-wal': read(`${live}-wal`),
    '-journal': kind === 'hot' ? read(join(directory, 'crashed.db-journal')) : null,
  }
  db.close()
  assert.ok(kind !== 'wal' || (files['-wal']?.length ?? 0) > 10_000)
  return files
}

const position = fc.oneof(fc.nat(120), fc.nat(1200), fc.nat(1 << 20))
const damage = fc.record({
  file: fc.constantFrom(...suffixes),
  kind: fc.constantFrom('flip', 'set', 'cut', 'zero', 'move', 'repeat'),
  at: position,
  to: position,
  length: fc.integer({ min: 1, max: 700 }),
  byte: fc.constantFrom(0, 1, 2, 5, 13, 127, 128, 255),
})

function damaged(files: Files, damages: readonly (typeof damage extends fc.Arbitrary<infer D> ? D : never)[]): Files {
  const result = { ...files }
  for (const { file, kind, at, to, length, byte } of damages) {
    const old = result[file]
    if (old === null || old.length === 0) continue
    const from = at % old.length
    const bytes = Buffer.from(old)
    result[file] = bytes
    if (kind === 'cut') result[file] = bytes.subarray(0, from)
    else if (kind === 'zero') bytes.fill(0, from, Math.min(from + length, bytes.length))
    else if (kind === 'move') old.copy(bytes, to % old.length, from, from + length)
    else if (kind === 'repeat') result[file] = Buffer.concat([bytes, bytes.subarray(from)])
    else bytes[from] = kind === 'set' ? byte : (bytes[from] ?? 0) ^ byte
  }
  return result
}

function write(path: string, files: Files): void {
  for (const suffix of suffixes) {
    rmSync(path + suffix, { force: true })
    const bytes = files[suffix]
    if (bytes !== null) writeFileSync(path + suffix, bytes)
  }
}

/** Null when SQLite refuses. */
function tryWithSqlite(path: string): Content | null {
  try {
    return readWithSqlite(path, tables)
  } catch {
    return null
  }
}

for (const kind of ['closed', 'wal', 'hot'] as const) {
  test(`[P3] damaged files (${kind}) get an answer, soon, and never other rows than SQLite gives`, async (t) => {
    const directory = makeDirectory(t)
    const files = makeFiles(directory, kind)
    const path = join(directory, 'hostile.db')
    let compared = 0
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 6 }), fc.nat(9), async (damages, chance) => {
        write(path, damaged(files, damages))
        const started = performance.now()
        const seen = await peek(path, tables)
        assert.ok(performance.now() - started < 2000, 'took too long')
        if (seen.state !== 'database' || chance > 2) return
        const expected = tryWithSqlite(copyDatabase(path, join(directory, 'copy.db')))
        if (expected === null) return
        compared++
        const rows = Object.fromEntries(Object.entries(seen.tables).map(([name, content]) => [name, content.rows]))
        assert.deepEqual(
          { userVersion: seen.userVersion, tables: rows },
          { userVersion: expected.userVersion, tables: expected.tables },
        )
      }),
      { numRuns: Number(process.env['PEEK_RUNS'] ?? 400) },
    )
    assert.ok(compared > 5, 'SQLite was asked too')
  })
}

test('[P3] trees that loop, fork endlessly or claim gigabytes are refused at once', async (t) => {
  const directory = makeDirectory(t)
  const path = join(directory, 'app.db')
  const db = openDatabase(path)
  db.exec(
    'PRAGMA page_size=65536; CREATE TABLE moult_steps(name); INSERT INTO moult_steps VALUES (zeroblob(20000)), (zeroblob(200000))',
  )
  db.close()
  const good = readFileSync(path)
  const root = 65536
  const tamper = async (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(good)
    change(bytes)
    writeFileSync(path, bytes)
    const seen = await peek(path, ['moult_steps'])
    assert.ok(seen.state === 'unreadable', seen.state)
    assert.equal(seen.why, 'malformed')
    return seen.reason
  }
  const interior = (bytes: Buffer, child: number) => {
    bytes.fill(0, root, root + 65536)
    bytes.writeUInt8(5, root)
    bytes.writeUInt16BE(1, root + 3)
    bytes.writeUInt16BE(1000, root + 12)
    bytes.writeUInt32BE(child, root + 1000)
    bytes.writeUInt32BE(child, root + 8)
  }
  assert.match(await tamper((bytes) => interior(bytes, 2)), /page 2 is used twice/)
  assert.match(await tamper((bytes) => interior(bytes, 3)), /page 3/)
  assert.match(await tamper((bytes) => interior(bytes, 0)), /page 0/)
  assert.match(await tamper((bytes) => interior(bytes, 0xffffffff)), /page 4294967295/)
  assert.equal(good.readUInt8(root), 13, 'both rows begin in one leaf')
  const cell = good.readUInt16BE(root + 8)
  const repeated = (bytes: Buffer) => {
    bytes.writeUInt16BE(2000, root + 3)
    for (let i = 0; i < 2000; i++) bytes.writeUInt16BE(cell, root + 8 + 2 * i)
  }
  assert.match(await tamper(repeated), /overlap|outside/)
  assert.match(await tamper((bytes) => bytes.fill(0xff, root + cell, root + cell + 8)), /larger than any file/)
  assert.match(await tamper((bytes) => bytes.writeUInt16BE(0xffff, root + 3)), /more cells than room/)
  const overflow = good.readUInt32BE(2 * root)
  assert.ok(overflow >= 3, 'the second overflow page')
  assert.match(await tamper((bytes) => bytes.writeUInt32BE(3, 2 * root)), /page 3 is used twice/)
  assert.match(await tamper((bytes) => bytes.writeUInt32BE(0, 2 * root)), /page 0/)
})

test('[P3] a file that claims to be huge, or is one with holes, costs nothing', async (t) => {
  const path = join(makeDirectory(t), 'app.db')
  const db = openDatabase(path)
  db.exec('CREATE TABLE moult_steps(a)')
  db.close()
  for (const suffix of ['-wal', '-journal']) {
    const bytes = readFileSync(path)
    writeFileSync(path + suffix, Buffer.alloc(100 << 20))
    const before = process.memoryUsage().rss
    const started = performance.now()
    assert.equal((await peek(path, ['moult_steps'])).state, 'database')
    assert.ok(performance.now() - started < 200)
    assert.ok(process.memoryUsage().rss - before < 30 << 20)
    rmSync(path + suffix)
    assert.deepEqual(readFileSync(path), bytes)
  }
})
