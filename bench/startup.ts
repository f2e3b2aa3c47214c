import { utimesSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { currentState } from './child/current-state.js'
import type { Variant } from './child/current-state.js'
import { childPath, timeProcess } from './child/run-child.js'
import type { Measurement } from './measurement.js'
import { workFolder } from './work-folder.js'

/** Whole processes: a bare one, one that asks for the status of six current stores, one that opens and holds them. */
export async function startup(variant: Variant, words: string): Promise<Measurement> {
  const folder = workFolder(`startup-${variant}`)
  const root = folder.path
  const held = await currentState(variant, root).open()
  await held.close()
  // A state that was just written is looked at twice (protocol 3); one that an app finds at its start is older.
  for (const name of readdirSync(root).filter((name) => name.endsWith('.db')))
    utimesSync(join(root, name), 1.6e9, 1.6e9)
  const bare = 'const { user, system } = process.cpuUsage(); process.stdout.write(String(user + system))'
  const script = (name: string) => () => timeProcess([childPath(name), variant, root])
  return {
    title: `Start-up with six current stores (${words})`,
    compare: 'difference',
    rounds: 40,
    contenders: [
      { name: 'bare process, `node -e`', run: () => timeProcess(['-e', bare]) },
      { name: 'an ES module that does nothing', run: script('empty') },
      { name: 'import moult, `status()`', run: script('status') },
      { name: 'import moult, `open()`, `close()`', run: script('open') },
    ],
    target: '`status()` at most 20 ms over a bare process, `open()` at most 15 ms more.',
    clean: folder.remove,
  }
}
