import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../../test/support/sqlite.js'

/** Texts of files by path; what moult writes for itself is left out. Files that are replaced whole count as values. */
export interface RockbotContent {
  readonly files: Readonly<Record<string, string>>
  readonly customers: readonly unknown[]
  readonly visits: readonly unknown[]
}

/** What is on an upgraded volume. */
export function readContent(root: string): RockbotContent {
  const files: Record<string, string> = {}
  for (const path of filesIn(root))
    files[path] = isByValue(path) ? valuesOf(path, textOf(root, path)) : textOf(root, path)
  return { files, ...readCrm(root) }
}

/** What has to be there, file by file, worked out from the old volume. */
export function expectedContent(oldRoot: string): RockbotContent {
  const files: Record<string, string> = {}
  const old = (path: string): string => textOf(oldRoot, path)
  const scheduled = new Map<string, string>()
  for (const task of JSON.parse(old('scheduled-tasks.json')) as { skillName: string | null }[]) {
    if (task.skillName !== null && existsSync(join(oldRoot, 'skills', `${task.skillName}.json`)))
      scheduled.set(task.skillName, (JSON.parse(old(`skills/${task.skillName}.json`)) as { content: string }).content)
  }
  for (const path of filesIn(oldRoot)) {
    const [store = ''] = path.split('/')
    if (path.includes('lost+found/') || (path.startsWith('memory/') && path.includes('.embeddings/')))
      files[path] = old(path)
    else if (store === 'memory')
      files[path.split('/').length === 2 ? path.replace('memory/', 'memory/general/') : path] = expectMemory(old(path))
    else if (store === 'skills') Object.assign(files, expectSkill(path, old, scheduled))
    else if (store === 'feedback') Object.assign(files, expectFeedback(path, old(path)))
    else if (store === 'conversations') files[path.replace('.json', '.jsonl')] = expectConversation(old(path))
    else if (store === 'working-memory') files[path] = old(path).replaceAll('\n    "key": ', '\n    "path": ')
    else if (path === 'scheduled-tasks.json') files[path] = expectTasks(old(path), scheduled)
    else if (store !== 'contacts') files[path] = old(path)
  }
  return { files, ...expectCrm(oldRoot, files) }
}

/** The text of each memory is kept; fields are added at its end. */
function expectMemory(text: string): string {
  if (!text.endsWith('\n}')) return text
  const memory = JSON.parse(text) as { category?: string | null; createdAt: string; lastSeenAt?: string }
  const added = [
    ...(memory.category === undefined ? ['"category": "general"'] : []),
    ...(memory.lastSeenAt === undefined ? [`"lastSeenAt": "${memory.createdAt}"`, '"reinforcementCount": 1'] : []),
  ]
  return text
    .replace('\n  "category": null,', '\n  "category": "general",')
    .replace(/\n\}$/, [...added.map((member) => `,\n  ${member}`), '\n}'].join(''))
}

function expectSkill(
  path: string,
  old: (path: string) => string,
  scheduled: ReadonlyMap<string, string>,
): Record<string, string> {
  // Derived from texts that are now elsewhere.
  if (path.includes('/.embeddings/')) return {}
  const { content, ...skill } = JSON.parse(old(path)) as { name: string; content: string }
  if (scheduled.has(skill.name)) return {}
  const manifest = [{ filename: 'main.md', description: 'The instructions' }]
  const owner = skill.name.startsWith('acme/') ? { owner: 'acme' } : {}
  return {
    [path]: JSON.stringify({ ...skill, manifest, ...owner }),
    [path.replace('.json', '.resources/main.md')]: content,
  }
}

function expectFeedback(path: string, text: string): Record<string, string> {
  const names = ['Correction', 'ToolFailure', 'ToolSuccess', 'ThumbsUp', 'ThumbsDown', 'SessionSummary']
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/"signalType":(\d)/, (_, signal: string) => `"signalType":"${names[Number(signal)]}"`))
  const isTool = (line: string): boolean => line.includes('"signalType":"Tool')
  const toText = (some: string[]): string => some.map((line) => `${line}\n`).join('')
  const files = {
    [path]: toText(lines.filter((line) => !isTool(line))),
    [path.replace('feedback/', 'tool-calls/')]: toText(lines.filter(isTool)),
  }
  return Object.fromEntries(Object.entries(files).filter(([, content]) => content !== ''))
}

function expectConversation(text: string): string {
  const { turns, ...conversation } = JSON.parse(text) as { turns: unknown[] }
  return [conversation, ...turns].map((line) => JSON.stringify(line)).join('\n')
}

function expectTasks(text: string, scheduled: ReadonlyMap<string, string>): string {
  const tasks = JSON.parse(text) as { skillName: string | null }[]
  return JSON.stringify(
    tasks.map(({ skillName, ...task }) => ({ ...task, directive: scheduled.get(skillName ?? '') ?? null })),
  )
}

function expectCrm(oldRoot: string, files: Readonly<Record<string, string>>): Omit<RockbotContent, 'files'> {
  const { customers, visits } = readCrm(oldRoot)
  const memories = Object.keys(files).filter(
    (path) => /^memory\/.*\/[0-9a-f]{12}\.json$/.test(path) && files[path]?.endsWith('}'),
  )
  const tags = memories.flatMap((path) => (JSON.parse(files[path] ?? '') as { tags: string[] }).tags)
  const added = filesIn(oldRoot)
    .filter((path) => path.startsWith('contacts/'))
    .map((path) => {
      const { id, fullName, email } = JSON.parse(textOf(oldRoot, path)) as {
        id: string
        fullName: string
        email: string | null
      }
      return { id, name: fullName, email, memories: tags.filter((tag) => tag === `contact:${id}`).length }
    })
  const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1)
  return { customers: [...(customers as { id: string }[]), ...added].sort(byId), visits }
}

function readCrm(root: string): Omit<RockbotContent, 'files'> {
  const db = openDatabase(join(root, 'crm.db'))
  const content = {
    customers: db.all('SELECT id, name, email, memories FROM customer ORDER BY id').map((row) => ({ ...row })),
    visits: db.all('SELECT id, customer_id, at FROM visit ORDER BY id').map((row) => ({ ...row })),
  }
  db.close()
  return content
}

/** Every file but moult's own and the database, sorted. */
function filesIn(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((path) => !path.startsWith('.moult/') && !/\.(rockbot-schema|schema-version)$|^crm\.db/.test(path))
    .sort()
}

function textOf(root: string, path: string): string {
  return readFileSync(join(root, path), path.endsWith('.bin') ? 'latin1' : 'utf8')
}

/** Whether a step writes the whole of such a file, so that only the order of keys and the values are the app's. */
function isByValue(path: string): boolean {
  return path === 'scheduled-tasks.json' || /^skills\/.*\.json$/.test(path) || path.startsWith('conversations/')
}

/** Each document on one line, its keys in their order. */
function valuesOf(path: string, text: string): string {
  const documents = path.endsWith('.jsonl') ? text.trimEnd().split('\n') : [text]
  return documents.map((document) => JSON.stringify(JSON.parse(document))).join('\n')
}
