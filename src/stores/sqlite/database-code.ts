import type { DatabaseCode } from '../../model/database-code.js'
import { checkCopy } from './check-copy.js'
import { compareDatabases } from './compare-databases.js'
import { freezeDatabase } from './freeze.js'
import { seizeDatabase } from './seize.js'

/** What backup, restore and dry run do with databases. */
export const databaseCode: DatabaseCode = {
  freeze: freezeDatabase,
  seize: seizeDatabase,
  check: checkCopy,
  compare: compareDatabases,
}
