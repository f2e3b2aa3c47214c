/**
 * The records of a store as another store's step sees them, each at exactly the version that the step named. Files are
 * named relative to the store's directory; a line as `a.jsonl:12` (from 1), an element as `a.json[3]` (from 0). Values
 * are copies. Used after the step has ended, each method throws HANDLE_EXPIRED.
 */
export interface RecordsReader<V> {
  /**
   * All records, in the order of their files' names, as they were when the iteration began. One that cannot be brought
   * to the version throws RECORD_REJECTED, or is passed over with `invalid: 'skip'`.
   */
  all(options?: { readonly invalid?: 'throw' | 'skip' }): AsyncIterable<{ readonly file: string; readonly value: V }>
  /** undefined if there is none; RECORD_REJECTED if it cannot be brought to the version. */
  get(file: string): Promise<V | undefined>
  /** How many there are, without looking into them: those that cannot be brought to the version count too. */
  count(): Promise<number>
}

export interface RecordsWriter<V> extends RecordsReader<V> {
  /**
   * Puts a record there, or changes it: only the places that differ are rewritten. RECORD_REJECTED if its schema refuses
   * it, or if what is there cannot be read or is newer. For stores of lines or elements, the name of a file alone adds
   * one at its end.
   */
  put(file: string, value: V): Promise<void>
  /** Removes a file; an error with the code ENOENT if there is none. Single lines and elements cannot be removed: others' names would change. */
  delete(file: string): Promise<void>
}
