import { replaceDisk } from '#moult/disk/disk.js'
import type { Disk } from '#moult/disk/disk.js'
import { edits, makeState, stamps } from './edited-state.js'

// Accepts edits, stamps or upgrades, and is killed by SIGKILL right before its Nth operation, or before it writes its
// history: `marker-child.js ROOT N accept`, `marker-child.js ROOT history upgrade`
const [root, at, call] = process.argv.slice(2)
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
const whole = makeState('shipped', { more: true }).in(root)
const { outcome } = await (call === 'accept'
  ? makeState('edited').in(root).upgrade({ acceptEdited: edits })
  : call === 'stamp'
    ? whole.stamp(stamps, { reason: 'put back by hand' })
    : whole.upgrade())
process.stdout.write(JSON.stringify({ operations, outcome }))
