import { defineState, directory, record, records, sqlite } from 'moult'
import type { State, Store } from 'moult'
import { anything } from './anything.js'

function database(name: string): Store {
  return sqlite(name, { path: `${name}.db` })
    .step('create', { up: 'CREATE TABLE message(id INTEGER PRIMARY KEY, session TEXT NOT NULL, body TEXT)' })
    .step('index', { up: 'CREATE INDEX message_session ON message(session)' })
    .step('add-time', { up: 'ALTER TABLE message ADD COLUMN sent_at TEXT' })
}

function folder(name: string): Store {
  return directory(name, { path: name }).step('first', {
    up: ({ files }) => files.write('readme.md', '# Notes\n'),
  })
}

function documents(name: string): Store {
  const Document = record(name, { versionKey: 'v', unversioned: 1 })
    .version(1, anything<{ readonly v: number }>())
    .version(2, anything<{ readonly v: number }>(), { up: (value) => value })
  return records(name, { path: name, files: '*.json', record: Document })
}

const variants = {
  'two-of-each': () => [
    database('index'),
    database('queue'),
    folder('notes'),
    folder('blobs'),
    documents('sessions'),
    documents('tasks'),
  ],
  'three-and-three': () => [
    database('index'),
    database('queue'),
    database('cache'),
    documents('sessions'),
    documents('tasks'),
    documents('runs'),
  ],
}
export type Variant = keyof typeof variants

export function currentState(variant: string, root: string): State {
  return defineState({ app: 'bench', appVersion: '1.0.0', root, stores: variants[variant as Variant]() })
}
