/** §1.3.2: a power of two between 512 and 65536. */
export function isPageSize(size: number): boolean {
  return size >= 512 && size <= 65536 && (size & (size - 1)) === 0
}

/** §1.6: the page that holds the byte at 2^30, where SQLite takes its locks; it never holds data. */
export function lockBytePage(pageSize: number): number {
  return 0x40000000 / pageSize + 1
}
