import type { Measurement, Result } from './measurement.js'

interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { median, min: sorted[0]!, max: sorted.at(-1)! }
}

/** A Markdown table, which stands in docs/performance.md as it is printed. */
export function renderTable({ compare, target, title }: Measurement, results: readonly Result[]): string {
  const first = results[0]!
  const columns = [
    { head: '', cell: ({ name }: Result) => name },
    { head: 'median (min to max)', cell: ({ samples }: Result) => render(spread(samples.map(({ ms }) => ms)), 'ms') },
    {
      head: compare === 'ratio' ? 'times the first' : 'ms over the first',
      cell: (result: Result) => (result === first ? '' : against(first, result, compare)),
    },
    {
      head: 'processor time',
      cell: ({ samples }: Result) =>
        medianOf(
          samples.flatMap(({ cpuMs }) => cpuMs ?? []),
          'ms',
        ),
    },
    {
      head: 'peak memory',
      cell: ({ samples }: Result) =>
        medianOf(
          samples.flatMap(({ megabytes }) => megabytes ?? []),
          'MB',
        ),
    },
  ].filter(({ cell }) => results.some((result) => cell(result) !== ''))
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    `### ${title}`,
    '',
    line(columns.map(({ head }) => head)),
    line(columns.map(() => '---')),
    ...results.map((result) => line(columns.map(({ cell }) => cell(result)))),
    '',
    `Target: ${target} ${first.samples.length} rounds.`,
  ].join('\n')
}

function medianOf(values: readonly number[], unit: 'ms' | 'MB'): string {
  return values.length === 0 ? '' : `${Math.round(spread(values).median)} ${unit}`
}

/** Of each round's pair, not of the medians: what else the machine did then, it did to both. */
function against(base: Result, result: Result, compare: Measurement['compare']): string {
  const each = result.samples.map(({ ms }, round) => {
    const first = base.samples[round]!.ms
    return compare === 'ratio' ? ms / first : ms - first
  })
  return render(spread(each), compare === 'ratio' ? '×' : 'ms')
}

function render({ median, min, max }: Spread, unit: 'ms' | '×'): string {
  const digits = unit === '×' ? 2 : median < 1000 ? 1 : 0
  const [m, low, high] = [median, min, max].map((value) => value.toFixed(digits))
  return `${m} ${unit} (${low} to ${high})`
}
