import type { Input, Schema } from './schema.js'

/**
 * The files of a store as step code sees them: those that the store's `files` match, with what the step itself has
 * changed. Paths are relative to the store's directory, with `/`. Iterations see what was there when they began. What a
 * step starts it has to await: used after the step has ended, each of these throws HANDLE_EXPIRED.
 */
export interface FilesReader {
  /** Paths that match, sorted. `*` and `**` match names with a leading dot too; `!` has no meaning. */
  glob(pattern: string | readonly string[]): AsyncIterable<string>
  /** Whether there is a file; a directory is none. */
  exists(path: string): Promise<boolean>
  /** Throws an error with the code ENOENT if there is no such file. */
  read(path: string): Promise<Uint8Array>
  /** As UTF-8, a byte order mark included. Other bytes than UTF-8 are RECORD_REJECTED, never replaced. */
  text(path: string): Promise<string>
  /**
   * The document itself; the schema only checks it, what the schema would make of it is thrown away. What is not JSON,
   * has a key twice, has a number that JavaScript would round, or does not fit is RECORD_REJECTED.
   */
  json<S extends Schema>(path: string, schema: S): Promise<Input<S>>
  /** As `json`, for each line of a JSONL file in turn; blank lines are passed over. The file is streamed. */
  lines<S extends Schema>(path: string, schema: S): AsyncIterable<Input<S>>
}

/** The files of a store for a step that may change them. Nothing is seen by others before the step's commit. */
export interface FilesWriter extends FilesReader {
  /** A replaced file keeps its mode and owner. A new one is private (0600) where the files beside it are. */
  write(path: string, data: string | Uint8Array): Promise<void>
  /** Checks first. Of a JSON document that is there already, the text of all that stays equal is kept. */
  writeJson<S extends Schema>(path: string, schema: S, value: NoInfer<Input<S>>): Promise<void>
  /** Moves a file, or the store's files in a directory. Throws an error with the code EEXIST if `to` is taken. */
  move(from: string, to: string): Promise<void>
  /** Removes a file, or the store's files in a directory. Throws an error with the code ENOENT if there is none. */
  delete(path: string): Promise<void>
  /**
   * Rewrites each document of the matching files: the whole file, each line of it, or each element of its array. Checks
   * what is there by `from` and the result by `to`. Source text that did not change is kept byte for byte.
   */
  rewrite<A extends Schema, B extends Schema>(
    pattern: string | readonly string[],
    options: RewriteFilesOptions<A, B>,
    change: (value: Input<A>, path: string) => NoInfer<Input<B>>,
  ): Promise<void>
}

export interface RewriteFilesOptions<A extends Schema, B extends Schema> {
  readonly from: A
  readonly to: B
  /** What one document is. Default `'file'`. */
  readonly each?: 'file' | 'line' | 'element'
}
