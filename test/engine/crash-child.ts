import { replaceDisk } from '#moult/disk/disk.js'
import type { Disk } from '#moult/disk/disk.js'
import { makeState, oldest } from './crash-state.js'

// One upgrade, or downgrade, that is killed by SIGKILL right before its Nth operation on the disk:
// `crash-child.js ROOT N VERSION [down]`; or before it writes its history: `crash-child.js ROOT history VERSION [down]`
const [root, at, version, way] = process.argv.slice(2)
if (root === undefined) throw new Error('no root')
let operations = 0
/** Descriptors of what the kernel tells about this process: reading them changes nothing. */
const opened = new Set<number>()
replaceDisk((real) => {
  const counted = Object.entries(real).map(([name, operation]) => [
    name,
    (...args: unknown[]): unknown => {
      const isOfSystem = typeof args[0] === 'number' ? opened.has(args[0]) : String(args[0]).startsWith('/proc/')
      if (!isOfSystem) operations++
      const isHistory = name === 'open' && String(args[0]).endsWith('history.jsonl') && String(args[1]).startsWith('a')
      if (operations === Number(at) || (isHistory && at === 'history')) process.kill(process.pid, 'SIGKILL')
      const result = (operation as (...given: unknown[]) => unknown)(...args)
      if (name === 'open' && isOfSystem) opened.add(result as number)
      if (name === 'close') opened.delete(args[0] as number)
      return result
    },
  ])
  return Object.fromEntries(counted) as Disk
})
const state = makeState(Number(version)).in(root)
const outcome = await (way === 'down' ? state.downgrade({ target: oldest }) : state.upgrade()).then(
  (report) => ({ outcome: report.outcome, recovered: report.recovered }),
  (error: { code?: string; message?: string }) => ({ outcome: error.code, message: error.message }),
)
process.stdout.write(JSON.stringify({ operations, ...outcome }))
