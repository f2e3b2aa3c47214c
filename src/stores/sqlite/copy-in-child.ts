import { fileURLToPath } from 'node:url'
import { throwIfAborted } from '../../disk/breathe.js'
import { runScript } from '../../disk/run-script.js'
import type { CopiedDatabase, PageCopy } from './copy-pages.js'

/** Below this it takes less time than a process. */
const smallBytes = 16 << 20

const script = fileURLToPath(new URL('./copy-child.js', import.meta.url))

/** For worker threads, as `peekInChild` and for its reason: copies a database that this process holds still. */
export function copyInChild(path: string, to: string, signal: AbortSignal): Promise<CopiedDatabase> {
  const copied = runScript(script, [path, to], { signal }).then(
    (output) => JSON.parse(output.toString('utf8')) as CopiedDatabase,
  )
  // Who waits for another database first still meets the error, when it is this one's turn
  copied.catch(() => undefined)
  return copied
}

/**
 * Copies the rest of a database that this process holds still: a large one in a process of its own, which leaves this
 * one to the files; where that cannot be, here.
 */
export async function finishCopy(
  { path, to, copy }: { readonly path: string; readonly to: string; readonly copy: PageCopy },
  signal: AbortSignal,
): Promise<CopiedDatabase> {
  const { copied, ...size } = copy.rest
  if (size.pageSize * size.pageCount < smallBytes) return await copy.finish(signal)
  try {
    const input = JSON.stringify({ ...size, copied: [...copied] })
    const found = JSON.parse(
      (await runScript(script, [path, to], { input, signal })).toString('utf8'),
    ) as CopiedDatabase
    copy.close()
    return found
  } catch {
    throwIfAborted(signal)
    return await copy.finish(signal)
  }
}
