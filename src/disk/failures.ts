import { isMoultError, MoultFailure, systemCode } from '../model/errors.js'

/** The refusal to touch what is not a plain file of its own (protocol 21). */
export function unsupportedFile(path: string, what: string): MoultFailure<'FILE_UNSUPPORTED'> {
  return new MoultFailure('FILE_UNSUPPORTED', {
    message: `${path} is ${what}, and moult does not touch those.`,
    hint: 'Put a plain file in its place, or leave it out of the store with `ignore`.',
    details: { path },
  })
}

/** The refusal to touch what no path leads to. */
export function undecodableFile(path: string): MoultFailure<'FILE_UNSUPPORTED'> {
  return new MoultFailure('FILE_UNSUPPORTED', {
    message: `${path} is ${undecodableText}, and moult does not touch those.`,
    hint: 'Give it a name in UTF-8, or leave it out of the store with `ignore`.',
    details: { path },
  })
}

export const undecodableText = 'a file or a directory whose name is not UTF-8'

/** The refusal to walk into what another state has: that one's lock is another one (protocol 17). */
export function nestedState(path: string): MoultFailure<'CLAIMED_TWICE'> {
  return new MoultFailure('CLAIMED_TWICE', {
    message: `${path} lies in a store and is the root of another state (it has a .moult).`,
    hint: 'Leave it out of the store with `ignore`, or keep that state elsewhere.',
    details: { path },
  })
}

/** The refusal to go on with files that somebody else has changed meanwhile. */
export function changedFile(path: string, how: string): MoultFailure<'STORE_CHANGED'> {
  return new MoultFailure('STORE_CHANGED', {
    message: `${path} ${how} while the run was working on it.`,
    hint: 'Close the program that writes there and start again.',
    details: { path },
  })
}

/** What recovery cannot explain; nothing is deleted. */
export function damaged(path: string, what: string): MoultFailure<'DAMAGED'> {
  return new MoultFailure('DAMAGED', {
    message: `${path} ${what}.`,
    hint: 'Nothing was deleted. Keep a copy of the directory and restore the backup that was made before this run.',
    details: { path },
  })
}

/** What is thrown once a commit may be or is decided: only going on helps. */
export function unfinished(path: string, cause: unknown): MoultFailure<'UNFINISHED'> {
  return new MoultFailure('UNFINISHED', {
    message: `A commit could not be carried out to its end: ${cause instanceof Error ? cause.message : 'unknown error'}`,
    hint: 'Remove the cause and start again: the next start goes on where this one stopped.',
    details: { path },
    cause,
  })
}

/** An error of the operating system, in moult's words; anything else is returned as it is. */
export function diskFailure(error: unknown, doing: string): unknown {
  const code = systemCode(error)
  if (isMoultError(error) || !/^E[A-Z0-9]+$/.test(code)) return error
  const path = (error as { path?: unknown }).path
  const options = {
    message: `${doing} failed: ${error instanceof Error ? error.message : code}.`,
    details: typeof path === 'string' ? { path } : {},
    cause: error,
  }
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new MoultFailure('NO_SPACE', { ...options, hint: 'Free some space on this file system and start again.' })
    case 'EACCES':
    case 'EPERM':
      return new MoultFailure('NO_PERMISSION', { ...options, hint: 'Give this user the right to write there.' })
    case 'EROFS':
      return new MoultFailure('READ_ONLY', { ...options, hint: 'Make the file system writable and start again.' })
    default:
      return new MoultFailure('DISK_FAILED', { ...options, hint: 'Look at the disk and start again.' })
  }
}

/** An error with a file system's code, for mistakes of step code: the step fails with it. */
export function fileError(
  code: 'ENOENT' | 'EEXIST' | 'ENOTDIR' | 'EISDIR' | 'EINVAL',
  path: string,
  text: string,
): Error {
  return Object.assign(new Error(`${code}: ${text}: ${path}`), { code, path })
}
