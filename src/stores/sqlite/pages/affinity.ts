export type Affinity = 'integer' | 'text' | 'blob' | 'real' | 'numeric'

/** "Datatypes In SQLite" §3.1 (Determination Of Column Affinity); the first that fits wins. */
export function affinityOf(declaredType: string): Affinity {
  const type = declaredType.toUpperCase()
  if (type.includes('INT')) return 'integer'
  if (/CHAR|CLOB|TEXT/.test(type)) return 'text'
  if (type === '' || type.includes('BLOB')) return 'blob'
  return /REAL|FLOA|DOUB/.test(type) ? 'real' : 'numeric'
}
