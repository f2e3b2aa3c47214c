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
  const [base, ...others] = results
  const rows = [base!, ...others].map((result) => {
    const times = result.samples.map(({ ms }) => ms)
    const memory = result.samples.flatMap(({ megabytes }) => megabytes ?? [])
    return [
      result.name,
      render(spread(times), 'ms'),
      result === base ? '' : against(base!, result, compare),
      memory.length === 0 ? '' : `${Math.round(spread(memory).median)} MB`,
    ]
  })
  const heads = [
    '',
    'median (min to max)',
    compare === 'ratio' ? 'times the first' : 'ms over the first',
    'peak memory',
  ]
  const columns = rows.every((row) => row[3] === '') ? 3 : 4
  const line = (cells: readonly string[]): string => `| ${cells.slice(0, columns).join(' | ')} |`
  return [
    `### ${title}`,
    '',
    line(heads),
    line(heads.map(() => '---')),
    ...rows.map(line),
    '',
    `Target: ${target} ${base!.samples.length} rounds.`,
  ].join('\n')
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
