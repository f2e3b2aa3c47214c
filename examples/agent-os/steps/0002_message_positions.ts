import type { DbReader, DbWriter } from 'moult'

export const description = 'Each message knows its place in its conversation; two of one millisecond keep their order'

export function up({ db }: { readonly db: DbWriter }): void {
  // Some users ran a nightly build that had made the column
  if (!db.columnExists('messages', 'position')) db.addColumn('messages', 'position INTEGER')
  const ordered = db.each<{ id: string; position: number }>(
    `SELECT id, row_number() OVER (PARTITION BY conversation_id ORDER BY timestamp, rowid) AS position FROM messages`,
  )
  db.runMany('UPDATE messages SET position = ? WHERE id = ?', rowsOf(ordered))
  db.exec('CREATE UNIQUE INDEX idx_messages_position ON messages(conversation_id, position)')
}

function* rowsOf(ordered: Iterable<{ readonly id: string; readonly position: number }>): Iterable<[number, string]> {
  for (const { id, position } of ordered) yield [position, id]
}

export function down({ db }: { readonly db: DbWriter }): void {
  db.exec('DROP INDEX idx_messages_position')
  db.dropColumn('messages', 'position')
}

export function validate({ db }: { readonly db: DbReader }): boolean | string {
  const missing = db.number('SELECT count(*) FROM messages WHERE position IS NULL')
  return missing === 0 || `${missing} messages have no position`
}
