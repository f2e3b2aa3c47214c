import { utimesSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { childPath, timeProcess } from './child/run-child.js'
import type { Measurement } from './measurement.js'
import { workFolder } from './work-folder.js'

export type Variant = 'two-of-each' | 'three-and-three'

/** Whole processes: a bare one, one that asks for the status of six current stores, one that opens and holds them. */
export function startup(variant: Variant, words: string): Measurement {
  const folder = workFolder(`startup-${variant}`)
  const root = folder.path
  const app = (call: string) => () => timeProcess([childPath('app'), call, variant, root])
  app('open')()
  // A state that was just written is looked at twice (protocol 3); one that an app finds at its start is older.
  for (const name of readdirSync(root).filter((name) => name.endsWith('.db')))
    utimesSync(join(root, name), 1.6e9, 1.6e9)
  const bare = 'const { user, system } = process.cpuUsage(); process.stdout.write(String(user + system))'
  return {
    title: `Start-up with six current stores (${words})`,
    compare: 'difference',
    rounds: 40,
    contenders: [
      { name: 'bare process, `node -e`', run: () => timeProcess(['-e', bare]) },
      { name: 'an ES module that does nothing', run: app('nothing') },
      { name: 'import moult, `status()`', run: app('status') },
      { name: 'import moult, `open()`, `close()`', run: app('open') },
    ],
    target: '`status()` at most 20 ms over a bare process, `open()` at most 15 ms more.',
    clean: folder.remove,
  }
}
