/** What the code of this kind reads of the definition. */
export interface SqliteOwn {
  readonly table: string
  /** How much `user_version` is ahead of the version; null: it is left alone. */
  readonly userVersion: number | null
  readonly flatSql: string | null
  /** The `user_version` that a database without a marker must have, or null. */
  readonly adoptUserVersion: number | null
}
