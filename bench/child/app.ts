// A small app, in one file: `app.js nothing|status|open VARIANT ROOT`. Says what processor time it took, in microseconds.
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Store } from 'moult'

const [call, variant, root] = process.argv.slice(2)

/** It takes everything: what a schema library costs is not moult's. */
const anything: StandardSchemaV1<{ readonly v: number }> = {
  '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value: value as { readonly v: number } }) },
}

async function start(): Promise<void> {
  const { defineState, directory, record, records, sqlite } = await import('moult')
  const database = (name: string): Store =>
    sqlite(name, { path: `${name}.db` })
      .step('create', { up: 'CREATE TABLE message(id INTEGER PRIMARY KEY, session TEXT NOT NULL, body TEXT)' })
      .step('index', { up: 'CREATE INDEX message_session ON message(session)' })
      .step('add-time', { up: 'ALTER TABLE message ADD COLUMN sent_at TEXT' })
  const folder = (name: string): Store =>
    directory(name, { path: name }).step('first', { up: ({ files }) => files.write('readme.md', '# Notes\n') })
  const documents = (name: string): Store => {
    const Document = record(name, { versionKey: 'v', unversioned: 1 })
      .version(1, anything)
      .version(2, anything, { up: (value) => value })
    return records(name, { path: name, files: '*.json', record: Document })
  }
  const stores =
    variant === 'two-of-each'
      ? [
          database('index'),
          database('queue'),
          folder('notes'),
          folder('blobs'),
          documents('sessions'),
          documents('tasks'),
        ]
      : [
          database('index'),
          database('queue'),
          database('cache'),
          documents('sessions'),
          documents('tasks'),
          documents('runs'),
        ]
  const state = defineState({ app: 'bench', appVersion: '1.0.0', root: root!, stores })
  if (call === 'status') {
    const report = await state.status()
    if (report.stores.length !== 6 || report.stores.some(({ status }) => status !== 'current'))
      throw new Error('the state is not current')
  } else {
    const held = await state.open()
    if (!held.report.locked) throw new Error('the state is not held')
    await held.close()
  }
}

if (call !== 'nothing') await start()
const { user, system } = process.cpuUsage()
process.stdout.write(String(user + system))
