import { replaceDisk } from '#moult/disk/disk.js'
import type { Disk } from '#moult/disk/disk.js'
import { makeState } from './crash-state.js'

// One upgrade that is killed by SIGKILL right before its Nth operation on the disk: `crash-child.js ROOT N VERSION`
const [root, at, version] = process.argv.slice(2)
if (root === undefined) throw new Error('no root')
let operations = 0
replaceDisk((real) => {
  const counted = Object.entries(real).map(([name, operation]) => [
    name,
    (...args: unknown[]): unknown => {
      operations++
      if (operations === Number(at)) process.kill(process.pid, 'SIGKILL')
      return (operation as (...given: unknown[]) => unknown)(...args)
    },
  ])
  return Object.fromEntries(counted) as Disk
})
const outcome = await makeState(Number(version))
  .in(root)
  .upgrade()
  .then(
    (report) => ({ outcome: report.outcome, recovered: report.recovered }),
    (error: { code?: string; message?: string }) => ({ outcome: error.code, message: error.message }),
  )
process.stdout.write(JSON.stringify({ operations, ...outcome }))
