/** "Database File Format" §3: what a rollback journal begins with, and ends with when it names a super-journal. */
export const journalMagic = Buffer.from('d9d505f920a163d7', 'hex')
