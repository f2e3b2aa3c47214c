import { MoultFailure, systemCode } from '../../model/errors.js'

/** Why a file or directory of the lock cannot be made, in words. */
export function cannotMake(path: string, cause: unknown): MoultFailure {
  const details = { path }
  switch (systemCode(cause)) {
    case 'EROFS':
      return new MoultFailure('READ_ONLY', {
        message: `${path} cannot be made: the file system is read-only`,
        hint: 'Make it writable, or open the state for reading only.',
        details,
        cause,
      })
    case 'EACCES':
    case 'EPERM':
      return new MoultFailure('NO_PERMISSION', {
        message: `${path} cannot be made: this user may not write there`,
        hint: 'Start the program as the user that the state belongs to, or change who owns it.',
        details,
        cause,
      })
    case 'ENOSPC':
    case 'EDQUOT':
      return new MoultFailure('NO_SPACE', {
        message: `${path} cannot be made: the disk is full`,
        hint: 'Free some space and start again.',
        details,
        cause,
      })
    case 'ENOENT':
      return new MoultFailure('LOCK_LOST', {
        message: `${path} was deleted while the lock was being taken`,
        hint: 'Nothing was changed. See that no program deletes the lock directory, and start again.',
        details,
        cause,
      })
    default:
      return new MoultFailure('DISK_FAILED', {
        message: `${path} cannot be made (${systemCode(cause) || 'unknown error'})`,
        hint: 'Nothing was changed. See whether something else is in its place, and try again.',
        details,
        cause,
      })
  }
}
