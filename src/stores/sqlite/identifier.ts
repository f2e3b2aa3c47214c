/** A name as SQL takes it, whatever characters are in it. */
export function quoteName(name: string): string {
  if (name.includes('\0')) throw new TypeError('a name with a NUL character in it')
  return `"${name.replaceAll('"', '""')}"`
}

/** Whether SQLite takes two names for one: it ignores the case of ASCII letters, and only of these. */
export function isSameName(a: string, b: string): boolean {
  return foldName(a) === foldName(b)
}

/** A name with the case of its ASCII letters evened out. */
export function foldName(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}
