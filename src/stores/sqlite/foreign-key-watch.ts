import type { Connection } from '../../model/driver.js'
import { MoultFailure } from '../../model/errors.js'
import { foreignKeyViolations, isMismatch, newViolations } from './foreign-keys.js'
import type { ForeignKeyViolation, ForeignKeyViolations } from './foreign-keys.js'

/** Foreign keys over a run: each step answers for the violations that came with it. */
export interface ForeignKeyWatch {
  /** Before anything is changed: what is broken now is nobody's fault here. */
  begin(): void
  /** Throws FOREIGN_KEYS_BROKEN for `step` when there are violations that were not there before. */
  check(step: string): void
}

export function watchForeignKeys(connection: Connection, store: string): ForeignKeyWatch {
  let before: ForeignKeyViolations | null = null
  return {
    begin: () => {
      before ??= foreignKeyViolations(connection)
    },
    check: (step) => {
      if (!before) return
      const now = foreignKeyViolations(connection)
      const broken = newViolations(before, now)
      before = now
      if (broken.length === 0) return
      const violations = broken.reduce((sum, each) => sum + each.count, 0)
      const mismatches = broken.filter(isMismatch)
      throw new MoultFailure('FOREIGN_KEYS_BROKEN', {
        message: `The step ${step} left ${[...describeRows(broken), ...describeKeys(mismatches)].join(', and ')}.`,
        hint:
          mismatches.length === 0
            ? 'Delete or mend those rows in the step too.'
            : 'What a foreign key points at must be a primary key or have a unique index. Mend the key, and such rows, in the step.',
        details: { store, step, violations },
      })
    },
  }
}

function describeRows(broken: readonly ForeignKeyViolation[]): string[] {
  const rows = broken.filter((each) => !isMismatch(each))
  if (rows.length === 0) return []
  const count = rows.reduce((sum, each) => sum + each.count, 0)
  const where = rows.map((each) => `${each.table}(${each.columns.join(', ')}) -> ${each.parent}`).join('; ')
  return [`${count} rows that point at rows that are not there: ${where}`]
}

function describeKeys(mismatches: readonly ForeignKeyViolation[]): string[] {
  if (mismatches.length === 0) return []
  const tables = mismatches.map(({ table }) => table).join(', ')
  return [`a foreign key of ${tables} that points at columns that are no key of their table`]
}
