import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { leftSessions } from './old-state.js'

export type FileContent =
  | { readonly mode: number; readonly text: string }
  | {
      readonly mode: number
      /** The text but for the messages or the journal: byte order mark, line ends, numbers, order of keys. */
      readonly around: string
      /** The document on one line, its keys in their order. */
      readonly value: string
    }

/** Every file but moult's own: the whole text, except where a step writes the greater part of it. */
export type CodewhaleContent = Readonly<Record<string, FileContent>>

/** What is in an upgraded directory. */
export function readContent(root: string): CodewhaleContent {
  return contentOf(root, (path, text) => (isSession(path) ? { around: around(text), value: valueOf(text) } : { text }))
}

/** What has to be there, worked out from the text of the old files. */
export function expectedContent(oldRoot: string): CodewhaleContent {
  return contentOf(oldRoot, (path, text) => {
    if (isSession(path)) return expectSession(text)
    if (path.startsWith('tasks/runtime/threads/')) return { text: expectThread(text) }
    if (/^tasks\/tasks\/task_.*\.json$/.test(path)) return { text: expectTask(text) }
    return { text }
  })
}

function expectSession(text: string): { around: string; value: string } {
  const {
    schema_version: _old,
    messages,
    ...session
  } = JSON.parse(text.replace(/^\uFEFF/, '')) as {
    schema_version?: number
    metadata: { id: string }
    messages?: { role: string; content: unknown }[]
  }
  if (messages === undefined) return { around: around(text), value: valueOf(text) }
  const { id } = session.metadata
  const entries = messages.map((message, index) => ({
    id: `${id}-${index}`,
    parent_id: index === 0 ? null : `${id}-${index - 1}`,
    ...message,
  }))
  const leaf = entries.at(-1)
  const journal = { entries, leaf_id: leaf === undefined ? null : leaf.id }
  return { around: around(expectVersion(text)), value: JSON.stringify({ schema_version: 2, ...session, journal }) }
}

function expectThread(text: string): string {
  const after = expectVersion(text)
  return after.includes('"archived"') ? after : after.replace(/\n\}$/, ',\n  "archived": false\n}')
}

function expectTask(text: string): string {
  if (!text.includes('"schema_version": 1')) return text
  return expectVersion(text).replace(/\n\}$/, ',\n  "gates": []\n}')
}

/** The version is stamped where it stands, or comes first where there was none. */
function expectVersion(text: string): string {
  return text.includes('"schema_version": 1')
    ? text.replace('"schema_version": 1', '"schema_version": 2')
    : text.replace('{\n', '{\n  "schema_version": 2,\n')
}

function around(text: string): string {
  return text.replace(/,\r?\n {2}"(messages|journal)": (\[\]|[[{]\r?\n[^]*?\r?\n {2}[\]}])/, '')
}

function valueOf(text: string): string {
  return JSON.stringify(JSON.parse(text.replace(/^\uFEFF/, '')))
}

function isSession(path: string): boolean {
  return /^sessions\/[0-9a-f-]{36}\.json$/.test(path) && leftSessions[path.slice('sessions/'.length)] === undefined
}

function contentOf(
  root: string,
  read: (path: string, text: string) => { text: string } | { around: string; value: string },
): CodewhaleContent {
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((path) => !path.startsWith('.moult/') && !path.endsWith('schema-version'))
    .sort()
  return Object.fromEntries(
    files.map((path) => [
      path,
      { mode: lstatSync(join(root, path)).mode & 0o777, ...read(path, readFileSync(join(root, path), 'utf8')) },
    ]),
  )
}
