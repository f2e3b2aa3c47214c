import { isMoultError } from '../index.js'
import type {
  BackupInfo,
  Outcome,
  PlannedStep,
  Problem,
  Rehearsal,
  RunReport,
  StepReport,
  StoreReport,
} from '../index.js'

/** What `--json` prints: one document with all of these keys, whatever the command and however it ended. */
export interface CliDocument {
  readonly moult: 1
  /** Null when the command line could not be understood. */
  readonly command: string | null
  /** Whether the exit code is 0. */
  readonly ok: boolean
  /** How a run ended; null for commands that run nothing. */
  readonly outcome: Outcome | null
  readonly dryRun: boolean
  /** Null when no state was reached. */
  readonly root: string | null
  readonly stores: readonly StoreReport[]
  readonly steps: readonly (StepReport | StepAhead)[]
  /** What a dry run would have changed, else null. */
  readonly rehearsal: Rehearsal | null
  readonly backups: readonly BackupInfo[]
  readonly problems: readonly Problem[]
  /** The backup that a run, a restore or `backup` made. */
  readonly backup: string | null
  readonly error: DocumentError | null
  /** Only for `status --verbose`: files that belong to no store. */
  readonly unclaimed?: readonly string[]
}

/** A step of a plan: a step's shape, before there is anything to say of its run. */
export interface StepAhead extends PlannedStep {
  readonly direction: 'up'
  readonly result: 'planned'
  readonly ms: null
  readonly changes: null
}

export interface DocumentError {
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly details: object
}

export type Findings = Partial<Omit<CliDocument, 'moult' | 'command' | 'ok'>>

/** `ok` and every key that the command had nothing to say of. */
export function fillDocument(command: string | null, exit: number, findings: Findings): CliDocument {
  return {
    moult: 1,
    command,
    ok: exit === 0,
    outcome: null,
    dryRun: false,
    root: null,
    stores: [],
    steps: [],
    rehearsal: null,
    backups: [],
    problems: [],
    backup: null,
    error: null,
    ...findings,
  }
}

export function findingsOfRun({ outcome, dryRun, root, stores, steps, backup, rehearsal }: RunReport): Findings {
  return { outcome, dryRun, root, stores, steps, backup, rehearsal }
}

/** What is known after an error: the report that it carries, and the error itself. */
export function findingsOfError(error: unknown): Findings {
  if (!isMoultError(error)) {
    const message = error instanceof Error ? error.message : String(error)
    return { error: { code: 'UNEXPECTED', message, hint: unexpectedHint, details: {} } }
  }
  const { code, message, hint, details, report } = error
  return { ...(report ? findingsOfRun(report) : {}), error: { code, message, hint, details } }
}

export const unexpectedHint =
  'Nobody foresaw this, so nothing is promised about the data; an upgrade that was under way is finished or undone by the next one. --verbose shows where it came from.'
