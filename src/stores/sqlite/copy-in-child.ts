import { fileURLToPath } from 'node:url'
import { runScript } from '../../disk/run-script.js'
import type { CopiedDatabase } from './copy-pages.js'

/** For worker threads, as `peekInChild` and for its reason: copies a database that this process holds still. */
export async function copyInChild(path: string, to: string): Promise<CopiedDatabase> {
  const script = fileURLToPath(new URL('./copy-child.js', import.meta.url))
  return JSON.parse((await runScript(script, [path, to])).toString('utf8')) as CopiedDatabase
}
