import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineState, directory, sqlite, track } from 'moult'
import type { State } from 'moult'
import { openDatabase } from '../support/sqlite.js'

/**
 * Two databases, a folder with a plugin's track; a step of one database writes the folder. As `shipped` it is what ran;
 * as `edited` four of its steps have another text. `more`: each store has one more step.
 */
export function makeState(form: 'shipped' | 'edited', { more = false, app = 'agent' } = {}): State {
  const comment = form === 'edited' ? ' -- with a comment' : ''
  const checksum = form === 'edited' ? 'two' : 'one'
  const plain = directory('notes', { path: 'notes' })
    .step('upper', {
      checksum,
      async up({ files }) {
        for await (const file of files.glob('*.md')) await files.write(file, (await files.text(file)).toUpperCase())
      },
    })
    .adopt('oldest')
  const plugin = track('acme', plain).step('tag', {
    checksum,
    dependsOn: [plain.at('upper')],
    up: ({ files }) => files.write('tags.txt', 'tags'),
  })
  const log = sqlite('log', { path: 'log.db', userVersion: true })
    .step('create', { up: `CREATE TABLE entry(id INTEGER PRIMARY KEY, text TEXT)${comment}` })
    .step('take', {
      checksum,
      writes: { notes: plain.at('upper') },
      async up({ db, stores }) {
        db.run('INSERT INTO entry(text) VALUES (?)', await stores.notes.text('a.md'))
        await stores.notes.delete('a.md')
      },
    })
  const other = sqlite('other', { path: 'other.db' }).step('create', { up: `CREATE TABLE t(x)${comment}` })
  const stores = more
    ? [
        plain.step('sign', { up: ({ files }) => files.write('signed.txt', 'signed') }),
        plugin,
        log.step('count', { up: "INSERT INTO entry(text) VALUES ('counted')" }),
        other.step('fill', { up: 'INSERT INTO t VALUES (1)' }),
      ]
    : [plain, plugin, log, other]
  return defineState({ app, appVersion: form === 'edited' ? '2.0.0' : '1.0.0', stores })
}

export const edits = ['notes@upper', 'notes/acme@tag', 'log@create', 'log@2', 'other@create'] as const

export function makeOldRoot(root: string): void {
  mkdirSync(join(root, 'notes'), { recursive: true })
  for (const name of ['a', 'b']) writeFileSync(join(root, `notes/${name}.md`), `note ${name}`)
}

/** `store/track/step: checksum arrival note`, dates and digests taken out, from every marker of a root. */
export function markersOf(root: string): readonly string[] {
  const { steps } = JSON.parse(readFileSync(join(root, 'notes/.schema-version'), 'utf8')) as {
    steps: Record<string, string>[]
  }
  const rows = ['log', 'other'].flatMap((name) => {
    const db = openDatabase(join(root, `${name}.db`))
    const found = db.all('SELECT track, name, checksum, arrival, note FROM moult_steps ORDER BY track, version')
    db.close()
    return found.map((row) => ({ store: name, ...row }))
  })
  return [...steps.map((step) => ({ store: 'notes', ...step })), ...rows].map((row: Record<string, unknown>) => {
    const note = (typeof row['note'] === 'string' ? row['note'] : '').replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'DATE')
    return `${String(row['store'])}/${String(row['track'])}/${String(row['name'])}: ${String(row['checksum']).slice(0, 15)} ${String(row['arrival'])} ${note.replaceAll(/sha256:(\w{8})\w+/g, 'sha256:$1')}`.trim()
  })
}

/** All that a state with `more` has, named so that it can be stamped at once. */
export const stamps = ['notes@sign', 'notes/acme@tag', 'log@count', 'other@fill'] as const

/** What a careless copy leaves: the data, and not one marker. */
export function loseMarkers(root: string): void {
  rmSync(join(root, 'notes/.schema-version'))
  for (const name of ['log', 'other']) {
    const db = openDatabase(join(root, `${name}.db`))
    db.exec('DROP TABLE moult_steps; DROP TABLE IF EXISTS moult_commit')
    db.close()
  }
}

/** The data alone: bytes of files and rows of tables. */
export function dataOf(root: string): readonly string[] {
  const files = readdirSync(join(root, 'notes'))
    .filter((name) => name !== '.schema-version')
    .map((name) => `${name}: ${readFileSync(join(root, 'notes', name), 'utf8')}`)
  const rows = (
    [
      ['log', 'entry'],
      ['other', 't'],
    ] as const
  ).map(([name, table]) => {
    const db = openDatabase(join(root, `${name}.db`))
    const found = JSON.stringify(db.all(`SELECT * FROM ${table}`))
    db.close()
    return `${name}: ${found}`
  })
  return [...files, ...rows]
}
