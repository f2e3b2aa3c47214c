/** Steps as apps write them: each fifth makes a table; the next four index it, put rows in, change half of them, widen it. */
export function sqlSteps(count: number, rows: number): readonly { readonly name: string; readonly sql: string }[] {
  return Array.from({ length: count }, (_, index) => {
    const table = `message_${Math.floor(index / 5)}`
    const sql = [
      `CREATE TABLE ${table}(id INTEGER PRIMARY KEY, session TEXT NOT NULL, role TEXT NOT NULL DEFAULT 'user', body TEXT)`,
      `CREATE INDEX ${table}_session ON ${table}(session, role)`,
      `INSERT INTO ${table}(session, body) WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) SELECT 's' || (i % 5), 'text of message ' || i FROM n`,
      `UPDATE ${table} SET role = 'assistant' WHERE id % 2 = 0`,
      `ALTER TABLE ${table} ADD COLUMN sent_at TEXT`,
    ][index % 5]!
    return {
      name: `${String(index + 1).padStart(4, '0')}_${['create', 'index', 'fill', 'change', 'widen'][index % 5]}`,
      sql,
    }
  })
}
