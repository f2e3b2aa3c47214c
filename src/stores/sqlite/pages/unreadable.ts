/**
 * Why a database cannot be read: `no-magic` it is no SQLite database, or an encrypted one · `malformed` its pages
 * contradict each other · `unsupported` whole perhaps, but of a kind this reader refuses to guess about · `sidecar` a
 * -wal or -journal stands beside a file that cannot be its own · `disk` the file system reported an error.
 */
export type UnreadableWhy = 'no-magic' | 'malformed' | 'unsupported' | 'sidecar' | 'disk'

/** Thrown by everything in this folder and caught by `peek`; the message names pages, tables and columns only. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable'
  readonly why: UnreadableWhy

  constructor(why: UnreadableWhy, message: string) {
    super(message)
    this.why = why
  }
}

/** For what no SQLite ever wrote. */
export function malformed(message: string): Unreadable {
  return new Unreadable('malformed', message)
}
