import { defineState } from 'moult'
import { replaceDisk } from '#moult/disk/disk.js'
import type { Disk } from '#moult/disk/disk.js'
import { counts } from './retry-store.js'

// One upgrade that is killed by SIGKILL right before its Nth operation on the disk: `retry-child.js ROOT N`
const [root, at] = process.argv.slice(2)
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
const { outcome } = await defineState({ app: 'codewhale', appVersion: '2.0.0', stores: [counts] })
  .in(root)
  .upgrade()
process.stdout.write(JSON.stringify({ operations, outcome }))
