import { disk } from '../../../disk/disk.js'
import { isAbsent } from '../../../disk/identity.js'
import { journalMagic } from './journal-magic.js'
import { type OpenFile, readAt } from './open-file.js'
import { Unreadable } from './unreadable.js'

/** `sqlite3_vfs.mxPathname` on unix; a longer name counts as no name. */
const longestName = 512

/**
 * Whether a journal names a super-journal that no longer exists. Deleting it is how a commit over several databases
 * becomes one ("Atomic Commit In SQLite" §5.5): without it the journal's transaction is committed and nothing is put
 * back.
 */
export function isSuperJournalGone(journal: OpenFile): boolean {
  const name = superJournalName(journal)
  if (name === null) return false
  try {
    const found = disk.stat(name)
    // unixAccess(): an empty file counts as none.
    return found.isFile() && found.size === 0n
  } catch (error) {
    if (isAbsent(error)) return true
    throw error
  }
}

/** `readSuperJournal`: at the journal's end stand the name, its length, its checksum and the magic number. */
function superJournalName(journal: OpenFile): string | null {
  if (journal.size < 16) return null
  const tail = readAt(journal, journal.size - 16, 16)
  if (tail.length < 16 || !tail.subarray(8).equals(journalMagic)) return null
  const length = tail.readUInt32BE(0)
  if (length === 0 || length > longestName || length > journal.size - 16) return null
  const bytes = readAt(journal, journal.size - 16 - length, length)
  if (bytes.length < length || !isNameSum(bytes, tail.readUInt32BE(4))) return null
  const end = bytes.indexOf(0)
  const name = end < 0 ? bytes : bytes.subarray(0, end)
  if (name.length === 0) return null
  const text = name.toString('utf8')
  if (!Buffer.from(text, 'utf8').equals(name)) {
    throw new Unreadable('unsupported', 'the -journal names a super-journal in bytes that are not UTF-8')
  }
  return text
}

/** The sum of the bytes as C's `char`, which is signed on x86 and unsigned on ARM: either is taken. */
function isNameSum(name: Buffer, sum: number): boolean {
  let signed = 0
  let unsigned = 0
  for (const byte of name) {
    signed += byte < 128 ? byte : byte - 256
    unsigned += byte
  }
  return signed >>> 0 === sum || unsigned >>> 0 === sum
}
