// Runs the built tests: `npm test`, `npm test -- overlay records` (files whose path contains one of the words).
// Closes with the tests that failed, those that were skipped and why, and a line of counts.
import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { root } from './root.mjs'

const fileLimitMs = 30 * 60_000
const testLimitMs = 15 * 60_000
const hasTestLimit = Number(process.versions.node.split('.')[0]) >= 22

/** Sources of the tests, so that nothing runs that was built from a file which is gone. */
function findTests(words) {
  const sources = readdirSync(join(root, 'test'), { recursive: true }).filter((name) => name.endsWith('.test.ts'))
  return sources.filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
}

const isSuite = (data) => data.details?.type === 'suite'

/** Runs one file in a process of its own; whatever stops it is a failure with a name. */
async function runFile(source) {
  const path = join(root, 'build/test', source.replace(/\.ts$/, '.js'))
  const counts = { passed: 0, failed: 0, skipped: 0 }
  const result = { source, counts, failures: [], skips: [], events: [], ms: 0 }
  if (!existsSync(path)) {
    counts.failed++
    result.failures.push({ title: 'was not built', reason: path })
    return result
  }
  const startedAt = performance.now()
  const limit = AbortSignal.timeout(fileLimitMs)
  const running = new Set()
  // In Node 20 `timeout` limits the file and in later ones each test; the signal limits the file in both.
  for await (const event of run({ files: [path], signal: limit, ...(hasTestLimit && { timeout: testLimitMs }) })) {
    const { type, data } = event
    if (type === 'test:diagnostic') continue
    result.events.push(event)
    if (type === 'test:start') running.add(data.name)
    if (type !== 'test:pass' && type !== 'test:fail') continue
    running.delete(data.name)
    // A suite, or a file as a whole, counts only when it fails by itself.
    if (type === 'test:pass' && (isSuite(data) || data.name === path)) continue
    if (data.skip !== undefined) {
      counts.skipped++
      result.skips.push({ title: data.name, reason: data.skip === true ? 'no reason given' : data.skip })
    } else if (type === 'test:pass') counts.passed++
    else if (!isSuite(data) || data.details.error?.failureType !== 'subtestsFailed') {
      counts.failed++
      const reason = data.details.error?.cause?.message ?? data.details.error?.message ?? 'no reason given'
      result.failures.push({ title: data.name, reason: String(reason).split('\n', 1)[0] })
    }
  }
  result.ms = performance.now() - startedAt
  if (limit.aborted)
    result.failures.push({ title: 'took too long', reason: [...running].join(', ') || 'something keeps it alive' })
  if (counts.passed + counts.failed + counts.skipped === 0) {
    counts.failed++
    result.failures.push({ title: 'holds no test', reason: 'a test file must run at least one' })
  }
  return result
}

async function print({ source, events, ms }, place) {
  process.stdout.write(`\n${source} (${place}, ${Math.round(ms)} ms)\n`)
  for await (const text of Readable.from(events).compose(new spec())) process.stdout.write(text)
}

function list(heading, results, pick) {
  const lines = results.flatMap((result) =>
    pick(result).map((one) => `  ${result.source}: ${one.title}: ${one.reason}`),
  )
  if (lines.length > 0) console.log(`\n${heading}\n${lines.join('\n')}`)
}

const sources = findTests(process.argv.slice(2)).sort((a, b) => (a < b ? -1 : 1))
const results = []
const queue = [...sources]
async function work() {
  for (let source = queue.shift(); source !== undefined; source = queue.shift()) {
    const result = await runFile(source)
    results.push(result)
    await print(result, `${results.length} of ${sources.length}`)
  }
}
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work))

list('Skipped:', results, ({ skips }) => skips)
list('Failed:', results, ({ failures }) => failures)
const slow = results.filter(({ ms }) => ms > 10_000).sort((a, b) => b.ms - a.ms)
if (slow.length > 0)
  console.log(`\nSlow:\n${slow.map(({ source, ms }) => `  ${Math.round(ms / 1000)} s  ${source}`).join('\n')}`)
const total = (name) => results.reduce((sum, { counts }) => sum + counts[name], 0)
if (sources.length === 0) console.log('No test file matches.')
console.log(`\nNode ${process.versions.node}, ${sources.length} files`)
console.log(`${total('passed')} passed, ${total('failed')} failed, ${total('skipped')} skipped`)
process.exitCode = sources.length === 0 || total('failed') > 0 ? 1 : 0
