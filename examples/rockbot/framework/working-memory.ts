import { record, records } from 'moult'
import * as v from 'valibot'

const Entry1 = v.looseObject({ key: v.string(), value: v.string(), storedAt: v.string() })
const Entry2 = v.looseObject({ path: v.string(), value: v.string(), storedAt: v.string() })

/** A required field is renamed: programs that know only version 1 cannot use version 2, and the floor says so. */
export const WorkingMemoryEntry = record('working-memory-entry', { versionKey: false })
  .version(1, Entry1)
  .version(2, Entry2, { up: ({ key, ...entry }) => ({ path: key, ...entry }) })

/** `working-memory/{group}.json`: an array of entries. */
export const workingMemory = records('working-memory', {
  path: 'working-memory',
  files: '*.json',
  each: 'element',
  record: WorkingMemoryEntry,
}).adopt('oldest')
