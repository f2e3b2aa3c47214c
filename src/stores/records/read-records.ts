import { breathe } from '../../disk/breathe.js'
import type { Lease } from '../files/lease.js'
import { parseDocumentName } from './document-name.js'
import { readDocuments } from './documents.js'
import type { RawDocument } from './documents.js'
import type { Iterations } from './iterations.js'
import { showDocument } from './records-scope.js'
import type { RecordsScope } from './records-scope.js'
import type { RecordsReader } from './record-views.js'

/** `settle` is called before anything is read: what a writer has not yet written down must be seen. */
export function recordsReader(
  scope: RecordsScope,
  lease: Lease,
  iterations: Iterations,
  settle: () => void = () => undefined,
): RecordsReader<unknown> {
  const { overlay, each, signal } = scope

  async function* iterate(
    invalid: 'throw' | 'skip',
  ): AsyncGenerator<{ file: string; value: unknown }, void, undefined> {
    const files = await lease.during(() => {
      settle()
      return overlay.list(undefined, signal)
    })
    const iteration = iterations.begin(files)
    try {
      for (const file of files) {
        for (const document of readDocuments(file, iteration.open(file), each)) {
          await breathe(signal)
          lease.check()
          const shown = showDocument(scope, document, invalid)
          if (shown === null) continue
          yield { file: document.name, value: shown.value }
          lease.check()
        }
      }
    } finally {
      iteration.end()
    }
  }

  const countIn = (file: string): number => {
    let count = 0
    for (const _ of readDocuments(file, overlay.readChunks(file), each)) count += 1
    return count
  }

  return {
    all({ invalid = 'throw', ...others } = {}) {
      lease.check()
      const stray = Object.keys(others)[0]
      if (stray !== undefined) throw new TypeError(`all: unknown option '${stray}'; known is invalid`)
      if (invalid !== 'throw' && invalid !== 'skip')
        throw new TypeError(`all: invalid is 'throw' or 'skip', not '${String(invalid)}'`)
      return iterate(invalid)
    },
    get: (name) =>
      lease.during(() => {
        settle()
        const document = findDocument(scope, name)
        return document === null ? undefined : showDocument(scope, document, 'throw')?.value
      }),
    count: () =>
      lease.during(async () => {
        settle()
        const files = await overlay.list(undefined, signal)
        if (each === 'file') return files.length
        let count = 0
        for (const file of files) {
          await breathe(signal)
          count += countIn(file)
        }
        return count
      }),
  }
}

/** The document of that name, or null. */
function findDocument({ overlay, each }: RecordsScope, name: string): RawDocument | null {
  const { file, index } = parseDocumentName(name, each)
  if (index === null && each !== 'file')
    throw new TypeError(`'${name}' names a file; a single ${each} is named as all() names it`)
  if (!overlay.has(file)) return null
  for (const document of readDocuments(file, overlay.readChunks(file), each))
    if (document.name === name) return document
  return null
}
