import type { ErrorCode } from './errors.js'

/** What only warns, by code. Codes are stable. */
export const warningTable = {
  UNCLAIMED_FILES:
    'There are files that belong to no store, and stores without data: a path may be wrong. The upgrade goes on.',
  HISTORY_NOT_WRITTEN: 'Something was done, and `.moult/history.jsonl` does not say so. No decision is made from it.',
  BACKUPS_NOT_PRUNED: 'Old backups stay that would have been removed. The next upgrade tries again.',
  LEFTOVERS: 'What a backup or a restore had written and nobody needs could not be deleted. The next one tries again.',
  NOT_EXAMINED: 'The state is restored, and could not be looked at, so the report names no store.',
} as const

/** Also the code of an error that is no reason to stop. */
export type WarningCode = keyof typeof warningTable | ErrorCode
