import type { Connection } from '../../model/driver.js'
import { MoultFailure } from '../../model/errors.js'
import { foreignKeyViolations, newViolations } from './foreign-keys.js'
import type { ForeignKeyViolations } from './foreign-keys.js'

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
      const count = broken.reduce((sum, each) => sum + each.count, 0)
      const where = broken.map((each) => `${each.table}(${each.columns.join(', ')}) -> ${each.parent}`).join('; ')
      throw new MoultFailure('FOREIGN_KEYS_BROKEN', {
        message: `The step ${step} left ${count} rows that point at rows that are not there: ${where}.`,
        hint: 'Delete or mend those rows in the step too.',
        details: { store, step, violations: count },
      })
    },
  }
}
