import { resolve } from 'node:path'
import type { RunReport, StoreChanges } from '../../index.js'
import type { CommandFlag, CommandOptions } from '../command.js'
import { alignRows, count, megabytes } from '../render.js'

export const dryRunFlags: readonly CommandFlag[] = [
  { flag: '--dry-run', about: 'run the steps on a copy, and show what they would change' },
  { flag: '--scratch <DIR>', about: 'where a dry run copies to', read: (value) => resolve(value) },
]

export function dryRunOption({ dryRun, scratch }: CommandOptions): {
  readonly dryRun?: boolean
  readonly scratch?: string
} {
  return { ...(dryRun === true ? { dryRun } : {}), ...(scratch === undefined ? {} : { scratch }) }
}

export function renderRehearsal({ rehearsal }: RunReport): string[] {
  if (rehearsal === null) return []
  const rows = rehearsal.stores.flatMap(renderChanges)
  return [
    '',
    rows.length === 0 ? 'no store would change' : 'what would change:',
    ...alignRows(rows),
    '',
    `nothing was changed; the copy took ${megabytes(rehearsal.bytes)}`,
  ]
}

function renderChanges({ store, tables, schema, files }: StoreChanges): string[][] {
  const rows: string[][] = []
  for (const [table, { added, removed, changed }] of Object.entries(tables ?? {}))
    rows.push([store, table, numbers(added, removed, changed, 'row')])
  for (const [what, names] of Object.entries(schema ?? {}))
    if (names.length > 0) rows.push([store, 'schema', `${what}: ${names.join(', ')}`])
  for (const [what, { count: number, examples }] of Object.entries(files ?? {})) {
    if (number === 0) continue
    const more = number > examples.length ? ', …' : ''
    rows.push([store, 'files', `${number} ${what}: ${examples.join(', ')}${more}`])
  }
  return rows
}

function numbers(added: number, removed: number, changed: number, what: string): string {
  return Object.entries({ added, removed, changed })
    .flatMap(([how, number]) => (number === 0 ? [] : [`${count(number, what)} ${how}`]))
    .join(', ')
}
