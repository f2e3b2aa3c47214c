/** What the code of this kind reads of the definition. */
export interface SqliteOwn {
  readonly table: string
  readonly userVersion: boolean
  readonly flatSql: string | null
  /** The `user_version` that a database without a marker must have, or null. */
  readonly adoptUserVersion: number | null
}
