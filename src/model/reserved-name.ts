/** Names that belong to moult, wherever they stand: walks pass over them; steps, journals and definitions may not name them. */
export function isReservedName(name: string): boolean {
  return name === '.moult' || name === '.moult-run' || /^\..*\.moult-(?:run|tmp|kept|bak)$/s.test(name)
}
