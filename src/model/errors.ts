import type { RunReport } from './report.js'

/**
 * The one table of errors: what the CLI exits with, what the docs are made from, what the tests go through.
 *
 * Exit codes: 2 usage or config · 3 pending · 4 refused, nothing changed · 5 locked or in use, nothing changed ·
 * 6 damaged or unfinished · 7 failed, state put back · 130 interrupted, state put back.
 */
export const errorTable = {
  USAGE: { exit: 2, about: 'The command line cannot be understood.' },
  CONFIG_NOT_FOUND: { exit: 2, about: 'No moult.config file was found.' },
  CONFIG_UNREADABLE: { exit: 2, about: 'The config file, or a step file, cannot be loaded.' },
  DATA_DIR_MISSING: { exit: 2, about: 'The directory that should hold the state does not exist.' },
  TARGET_UNKNOWN: { exit: 2, about: 'A target names a store, a step or a version that does not exist.' },
  DRIVER_MISSING: { exit: 2, about: 'No SQLite library can be loaded.' },
  DRIVER_AMBIGUOUS: { exit: 2, about: 'Two SQLite libraries are loaded in this process and none was chosen.' },

  UPGRADE_PENDING: { exit: 3, about: 'The state is behind and the caller asked not to upgrade it.' },

  STORE_NEWER: { exit: 4, about: 'A newer program wrote this store and this one knows too little to use it safely.' },
  STORE_TOO_OLD: { exit: 4, about: 'The steps that would bring this store forward are no longer in this program.' },
  STORE_DIVERGED: { exit: 4, about: 'The store has steps that this program does not know, in place of its own.' },
  STORE_EDITED: { exit: 4, about: 'A step was changed after it had been applied here.' },
  STORE_LEGACY: { exit: 4, about: 'There is data without a marker, and the program does not say what it is.' },
  STORE_MISSING: { exit: 4, about: 'A store that was here before is gone.' },
  STORE_UNREADABLE: { exit: 4, about: "A store's files cannot be read or are not what the store says they are." },
  MARKER_UNREADABLE: { exit: 4, about: "A store's marker is empty, torn, foreign or cannot be parsed." },
  MARKER_LOST: { exit: 4, about: 'A store that had a marker has lost it.' },
  DEPENDENCY_CUT_OFF: { exit: 4, about: 'The target leaves out a step that a planned step needs.' },
  VERSION_PASSED: { exit: 4, about: 'A step needs another store at a version that the store has left behind.' },
  STAMP_REFUSED: { exit: 4, about: 'A stamp would say of a store what cannot be, or too little.' },
  TARGET_BEHIND: { exit: 4, about: 'The target lies behind the version the store has.' },
  TARGET_AHEAD: { exit: 4, about: 'The target of a downgrade lies ahead of the version the store has.' },
  DOWN_MISSING: { exit: 4, about: 'A step that would have to be undone has no way back.' },
  STILL_NEEDED: { exit: 4, about: 'A step that stays needs one that would be undone.' },
  RECORDS_INVALID: { exit: 4, about: 'Documents of a records store cannot be brought forward.' },
  FILE_UNSUPPORTED: {
    exit: 4,
    about: 'A step would touch a symlink, hard link, pipe, socket, device or a name not in UTF-8.',
  },
  NAMES_COLLIDE: { exit: 4, about: 'Two names would be one on this file system.' },
  CLAIMED_TWICE: { exit: 4, about: 'Two stores claim the same file.' },
  OUTSIDE_ROOT: { exit: 4, about: "A store's real path lies outside the state's root." },
  NO_SPACE: { exit: 4, about: 'There is not enough free space for the run.' },
  NO_PERMISSION: { exit: 4, about: 'A file or directory cannot be read or written by this user.' },
  READ_ONLY: { exit: 4, about: 'The state needs an upgrade and cannot be written.' },

  BACKUP_FAILED: { exit: 4, about: 'No verified backup could be made.' },
  BACKUP_UNKNOWN: { exit: 2, about: 'There is no backup of that id.' },
  BACKUP_BAD: { exit: 4, about: 'A backup is not what its manifest says, or the manifest is none that moult wrote.' },

  LOCKED: { exit: 5, about: 'Another process is upgrading this state.' },
  IN_USE: { exit: 5, about: 'Other processes have the state, or one of its databases, open.' },

  DAMAGED: { exit: 6, about: 'What a crash left behind cannot be explained.' },
  UNFINISHED: { exit: 6, about: 'A decided commit is not carried out to its end yet.' },
  FORMAT_UNKNOWN: {
    exit: 6,
    about: 'An unfinished run was written by a version of moult that this one does not understand.',
  },

  STEP_FAILED: { exit: 7, about: 'A step threw an error.' },
  VALIDATION_FAILED: { exit: 7, about: "A step's own check said no." },
  FOREIGN_KEYS_BROKEN: { exit: 7, about: 'A step left rows that point at rows that are not there.' },
  TRANSACTION_LOST: { exit: 7, about: "A step ended moult's transaction, or SQLite rolled it back." },
  STATEMENT_REFUSED: { exit: 7, about: 'A step used SQL that only moult may use during a run.' },
  HANDLE_EXPIRED: { exit: 7, about: 'A handle was used after its step had ended.' },
  STORE_CHANGED: { exit: 7, about: 'Somebody else changed files that the run was working on.' },
  LOCK_LOST: { exit: 7, about: 'The lock was lost during the run.' },
  DISK_FAILED: { exit: 7, about: 'The disk or the file system reported an error.' },

  RECORD_REJECTED: { exit: 7, about: 'A document cannot be brought to the version asked for.' },
  INTERRUPTED: { exit: 130, about: 'The run was interrupted.' },
} as const satisfies Record<string, { readonly exit: number; readonly about: string }>

export type ErrorCode = keyof typeof errorTable

/** What each error carries besides its text. Codes that are not listed carry the store's name, if one store is meant. */
export interface ErrorDetailsByCode {
  STORE_NEWER: {
    readonly store: string
    readonly version: number
    readonly floor: number
    readonly head: number
    readonly writtenBy: string | null
  }
  STORE_TOO_OLD: {
    readonly store: string
    readonly version: number
    readonly oldest: number
    readonly lastIn: string | null
  }
  STORE_DIVERGED: {
    readonly store: string
    readonly at: number
    readonly ours: string | null
    readonly theirs: string | null
  }
  STORE_EDITED: { readonly store: string; readonly step: string }
  LOCKED: { readonly holder: string | null; readonly waitedMs: number }
  IN_USE: { readonly holder: string | null; readonly waitedMs: number }
  STEP_FAILED: { readonly store: string; readonly step: string }
  VALIDATION_FAILED: { readonly store: string; readonly step: string; readonly reason: string }
  FOREIGN_KEYS_BROKEN: { readonly store: string; readonly step: string; readonly violations: number }
  RECORD_REJECTED: {
    readonly record: string
    readonly file: string | null
    readonly from: number | null
    readonly to: number
    readonly reason: string
  }
}

export type ErrorDetails<C extends ErrorCode> = C extends keyof ErrorDetailsByCode
  ? ErrorDetailsByCode[C]
  : { readonly store?: string; readonly step?: string; readonly path?: string }

export interface ErrorOptions<C extends ErrorCode> {
  /** What happened, in plain words: store, step, file. Never contents or secrets. */
  readonly message: string
  /** What to do next. */
  readonly hint: string
  readonly details: ErrorDetails<C>
  readonly cause?: unknown
}

/**
 * An error with a stable `code`. Told apart by `isMoultError`, never by `instanceof`: two copies of the package in
 * one process understand each other.
 */
export class MoultFailure<C extends ErrorCode = ErrorCode> extends Error {
  readonly '~moult' = 1
  readonly code: C
  readonly hint: string
  readonly details: ErrorDetails<C>
  /** Has the shape of what the method would have returned. */
  report?: RunReport

  constructor(code: C, options: ErrorOptions<C>) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'MoultError'
    this.code = code
    this.hint = options.hint
    this.details = options.details
  }
}

/** Every error that a method of moult throws on purpose, told apart by `code`. */
export type MoultError = { [C in ErrorCode]: MoultFailure<C> }[ErrorCode]

/** Whether `error` is one of moult's, and of this code if one is given. */
export function isMoultError(error: unknown): error is MoultError
export function isMoultError<C extends ErrorCode>(error: unknown, code: C): error is MoultFailure<C>
export function isMoultError(error: unknown, code?: ErrorCode): boolean {
  if (!(error instanceof Error) || (error as { '~moult'?: unknown })['~moult'] !== 1) return false
  return code === undefined || (error as { code?: unknown }).code === code
}

/** The code of an error from the operating system, or ''. */
export function systemCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : ''
}
