import { fileURLToPath } from 'node:url'
import { deserialize } from 'node:v8'
import { runScript } from '../../disk/run-script.js'
import type { Peek } from './peeked.js'

/**
 * `peek` for worker threads, in a process of its own (some 50 ms). Node closes every descriptor that a worker opened when
 * the worker ends (`trackUnmanagedFds`), and with it the kernel drops the locks that this process has on the database,
 * also those of connections in other threads (protocol 1). A pin cannot be kept there.
 */
export async function peekInChild(path: string, tables: readonly string[]): Promise<Peek> {
  try {
    const script = fileURLToPath(new URL('./peek-child.js', import.meta.url))
    return deserialize(await runScript(script, [path, ...tables])) as Peek
  } catch (cause) {
    const reason = 'in a worker thread it is read by a process of its own, and that one failed'
    return { state: 'unreadable', why: 'disk', reason, cause }
  }
}
