import { plain } from './paint.js'
import type { Paint } from './paint.js'
import type { ChangeCounts, Problem, Status, StepReport, StoreReport } from '../index.js'

/** Rows with aligned columns, two spaces between them; `paintCell` colours a cell without moving the next. */
export function alignRows(
  rows: readonly (readonly string[])[],
  paintCell: (text: string, row: number, column: number) => string = (text) => text,
): string[] {
  const cells = rows.map((row) => row.map((cell) => plain(cell).replaceAll('\n', ' ')))
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  return cells.map((row, at) =>
    row
      .map((cell, column) => paintCell(cell, at, column) + ' '.repeat((widths[column] ?? 0) - cell.length))
      .join('  ')
      .trimEnd(),
  )
}

const colours: Readonly<Record<Status, Parameters<Paint>[0]>> = {
  current: 'green',
  behind: 'yellow',
  fresh: 'yellow',
  legacy: 'yellow',
  newer: 'yellow',
  'too-old': 'red',
  diverged: 'red',
  edited: 'red',
  unreadable: 'red',
}

/** A line a store, and one for each plugin's list of steps. */
export function renderStores(stores: readonly StoreReport[], paint: Paint): string[] {
  const rows = stores.flatMap((store) => [
    [
      store.name,
      store.kind,
      store.path,
      show(store.version),
      String(store.head),
      store.status,
      store.pending.join(', '),
    ],
    ...Object.entries(store.tracks).map(([track, { version, head }]) => [
      `  ${track}`,
      'track',
      '',
      String(version),
      show(head),
      head === null ? 'detached' : '',
      '',
    ]),
  ])
  return alignRows(
    [['STORE', 'KIND', 'PATH', 'VERSION', 'HEAD', 'STATUS', 'PENDING'], ...rows],
    (text, row, column) => {
      if (row === 0) return paint('dim', text)
      return column === 5 && text in colours ? paint(colours[text as Status], text) : text
    },
  )
}

const shownAtOnce = 10

/** Documents that were left as they are: the first of each store, or all. */
export function renderLeft(stores: readonly StoreReport[], isVerbose: boolean): string[] {
  return stores.flatMap(({ name, left }) => {
    if (left.length === 0) return []
    const shown = isVerbose ? left : left.slice(0, shownAtOnce)
    const more = left.length - shown.length
    return [
      '',
      `${name}: ${count(left.length, 'document')} left unchanged, to be tried again once mended or removed:`,
      ...shown.map(({ file, reason }) => `  ${plain(file)}: ${plain(reason)}`),
      ...(more > 0 ? [`  and ${more} more (--verbose shows all)`] : []),
    ]
  })
}

export function renderProblems(problems: readonly Problem[], paint: Paint): string[] {
  return problems.flatMap(({ code, message, hint }) => [
    '',
    `${paint('red', `problem ${code}:`)} ${plain(message)}`,
    `hint: ${plain(hint)}`,
  ])
}

/** A line for each step that was run, accepted or stamped. */
export function renderSteps(steps: readonly StepReport[]): string[] {
  return alignRows(
    steps.map((step) => [
      nameStep(step),
      step.result,
      `${step.ms} ms`,
      step.reason ?? (step.was === undefined ? renderChanges(step.changes) : `was ${step.was}`),
    ]),
  )
}

/** What a step changed, in words; '' for nothing. */
function renderChanges({ filesAdded, filesChanged, filesRemoved, records, rows }: ChangeCounts): string {
  const parts = [
    [filesAdded, 'file', 'added'],
    [filesChanged, 'file', 'changed'],
    [filesRemoved, 'file', 'removed'],
    [records, 'record', 'rewritten'],
    [rows ?? 0, 'row', 'changed'],
  ] as const
  return parts.flatMap(([number, what, how]) => (number === 0 ? [] : [`${count(number, what)} ${how}`])).join(', ')
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}

/** `store/step`, or `store/track/step`. */
export function nameStep({
  store,
  track,
  step,
}: {
  readonly store: string
  readonly track: string
  readonly step: string
}): string {
  return track === '' ? `${store}/${step}` : `${store}/${track}/${step}`
}

function show(number: number | null): string {
  return number === null ? '-' : String(number)
}
