import type { DbReader, DbWriter } from 'moult'

export const description = 'Tool messages were kept as {"text": …}; the search index saw the braces too'

export function up({ db }: { readonly db: DbWriter }): void {
  if (!db.tableExists('messages_fts')) throw new Error('the search index is missing')
  // The triggers on messages bring the search index along, row by row
  db.run(`UPDATE messages SET content = json_extract(content, '$.text') WHERE role = 'tool' AND json_valid(content)`)
  // FTS5 compares its index with the table and fails if they differ, https://sqlite.org/fts5.html#the_integrity_check_command
  db.run(`INSERT INTO messages_fts(messages_fts, rank) VALUES ('integrity-check', 1)`)
}

export const down = 'impossible'

export function validate({ db }: { readonly db: DbReader }): boolean | string {
  const wrapped = db.number(`SELECT count(*) FROM messages WHERE role = 'tool' AND content LIKE '{"text":%'`)
  return wrapped === 0 || `${wrapped} messages are still wrapped`
}
