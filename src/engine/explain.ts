import { MoultFailure, isMoultError, systemCode } from '../model/errors.js'

/** An error of the operating system or of SQLite in moult's words; any other is returned as it is. */
export function explain(cause: unknown, signal: AbortSignal): unknown {
  // A step that heeds the signal ends by throwing, and so has not failed
  if (isMoultError(cause) && !(signal.aborted && cause.code === 'STEP_FAILED')) return cause
  if (signal.aborted) {
    return new MoultFailure('INTERRUPTED', {
      message: 'The run was interrupted.',
      hint: 'Start again when you are ready.',
      details: {},
      cause,
    })
  }
  const code = systemCode(cause)
  const text = cause instanceof Error ? cause.message : String(cause)
  if (['ENOSPC', 'EDQUOT', 'SQLITE_FULL'].includes(code)) {
    return new MoultFailure('NO_SPACE', {
      message: `The disk is full: ${text}.`,
      hint: 'Free some space and start again.',
      details: {},
      cause,
    })
  }
  if (['EACCES', 'EPERM'].includes(code)) {
    return new MoultFailure('NO_PERMISSION', {
      message: `A file cannot be read or written: ${text}.`,
      hint: 'Start the program as the user that the state belongs to.',
      details: {},
      cause,
    })
  }
  if (code === 'EROFS' || code === 'SQLITE_READONLY') {
    return new MoultFailure('READ_ONLY', {
      message: `The state cannot be written: ${text}.`,
      hint: 'Make its file system writable and start again.',
      details: {},
      cause,
    })
  }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new MoultFailure('IN_USE', {
      message: `A database is locked by another program: ${text}.`,
      hint: 'Close the programs that use it and start again.',
      details: { holder: null, waitedMs: 0 },
      cause,
    })
  }
  if (/^(E[A-Z0-9]+|SQLITE_[A-Z_]+)$/.test(code)) {
    return new MoultFailure('DISK_FAILED', {
      message: `The run failed: ${text}.`,
      hint: 'Look at the cause, mend it and start again.',
      details: {},
      cause,
    })
  }
  return cause
}
