import type { Overlay } from '../../disk/overlay.js'
import { breathe } from '../../disk/breathe.js'
import { stringifyJson } from '../../json/stringify.js'
import { parseJsonText } from '../../json/parse.js'
import { rewriteJsonText } from '../../json/rewrite.js'
import type { MoultFailure } from '../../model/errors.js'
import { decodeText, encodeText } from './decode-text.js'
import { documentsOf } from './document.js'
import type { FilesReader, FilesWriter, RewriteFilesOptions } from './files.js'
import { openLease } from './lease.js'
import type { Lease } from './lease.js'
import { readLines } from './read-lines.js'
import { describeJsonError, rejectDocument } from './rejection.js'
import type { FilesScope } from './rejection.js'
import { isBlank, rewriteFile } from './rewrite-files.js'
import type { Input, Schema } from './schema.js'

/** What step code gets, and what is kept to end it. */
export interface FilesHandle<F extends FilesReader> {
  readonly files: F
  /** From now on every call throws HANDLE_EXPIRED. Safe to call twice. */
  expire(): void
  /** HANDLE_EXPIRED if the step did not await all it had started; what it did may be half done. */
  breach(): MoultFailure<'HANDLE_EXPIRED'> | null
}

export function makeFilesReader(overlay: Overlay, scope: FilesScope): FilesHandle<FilesReader> {
  const lease = openLease(scope.store, scope.step)
  return { files: Object.freeze(reader(overlay, scope, lease)), expire: lease.expire, breach: lease.breach }
}

export function makeFilesWriter(overlay: Overlay, scope: FilesScope): FilesHandle<FilesWriter> {
  const lease = openLease(scope.store, scope.step)
  return { files: Object.freeze(writer(overlay, scope, lease)), expire: lease.expire, breach: lease.breach }
}

function reader(overlay: Overlay, scope: FilesScope, lease: Lease): FilesReader {
  const documents = documentsOf(overlay, scope)

  async function* iteratePaths(pattern: string | readonly string[]): AsyncGenerator<string, void, undefined> {
    const paths = await lease.during(() => overlay.list(pattern, scope.signal))
    for (const path of paths) {
      lease.check()
      yield path
    }
  }

  async function* iterateLines<S extends Schema>(file: string, schema: S): AsyncGenerator<Input<S>, void, undefined> {
    lease.check()
    for (const { number, bytes } of readLines(overlay.readChunks(file))) {
      await breathe(scope.signal)
      const place = { file, line: number }
      const text = documents.decode(bytes, place)
      if (isBlank(text)) continue
      yield (await lease.during(() => documents.read(text, schema, place))) as Input<S>
      lease.check()
    }
  }

  return {
    glob(pattern) {
      lease.check()
      return iteratePaths(pattern)
    },
    exists: (path) => lease.during(() => overlay.has(path)),
    read: (path) => lease.during(() => overlay.read(path)),
    text: (path) => lease.during(() => documents.decode(overlay.read(path), { file: path })),
    json: <S extends Schema>(path: string, schema: S) =>
      lease.during(async () => {
        const text = documents.decode(overlay.read(path), { file: path })
        return (await documents.read(text, schema, { file: path })) as Input<S>
      }),
    lines(path, schema) {
      lease.check()
      return iterateLines(path, schema)
    },
  }
}

function writer(overlay: Overlay, scope: FilesScope, lease: Lease): FilesWriter {
  const documents = documentsOf(overlay, scope)

  return {
    ...reader(overlay, scope, lease),
    write: (path, data) =>
      lease.during(() => {
        if (typeof data !== 'string' && !(data instanceof Uint8Array))
          throw new TypeError('write takes a string or bytes')
        overlay.write(path, typeof data === 'string' ? encodeText(data) : data)
      }),
    writeJson: (path, schema, value) =>
      lease.during(async () => {
        const text = newText(overlay, scope, path, value)
        await documents.check(schema, JSON.parse(text.replace(/^\uFEFF/, '')), { file: path })
        lease.check()
        overlay.write(path, encodeText(text))
      }),
    move: (from, to) => lease.during(() => overlay.move(from, to)),
    delete: (path) => lease.during(() => overlay.remove(path)),
    rewrite: <A extends Schema, B extends Schema>(
      pattern: string | readonly string[],
      { from, to, each = 'file' }: RewriteFilesOptions<A, B>,
      change: (value: Input<A>, path: string) => NoInfer<Input<B>>,
    ) =>
      lease.during(async () => {
        if (!['file', 'line', 'element'].includes(each))
          throw new TypeError(`rewrite: each is 'file', 'line' or 'element', not '${each}'`)
        for (const file of await overlay.list(pattern, scope.signal)) {
          await breathe(scope.signal)
          lease.check()
          await rewriteFile(overlay, scope, file, {
            from,
            to,
            each,
            check: lease.check,
            change: (value, path) => change(value as Input<A>, path),
          })
        }
      }),
  }
}

/** The text for a value, keeping that of the document which is there. One that cannot be read is replaced whole. */
function newText(overlay: Overlay, scope: FilesScope, path: string, value: unknown): string {
  try {
    const before = overlay.has(path) ? readSource(overlay, path) : null
    return before === null ? stringifyJson(value) : rewriteJsonText(before, value)
  } catch (error) {
    const reason = describeJsonError(error)
    throw reason === null
      ? error
      : rejectDocument(overlay, scope, { file: path }, `what the step gives cannot be written: ${reason}`, error)
  }
}

function readSource(overlay: Overlay, path: string): ReturnType<typeof parseJsonText> | null {
  const text = decodeText(overlay.read(path))
  if (text === null) return null
  try {
    return parseJsonText(text)
  } catch (error) {
    if (describeJsonError(error) !== null) return null
    throw error
  }
}
