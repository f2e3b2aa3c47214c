/** Whether `value` is an object that JSON writes member by member: not an array, not an instance of a class. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // The second: plain objects of another realm, such as a vm's.
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null
}

/** The keys that JSON writes: an undefined member is an absent one. */
export function presentKeys(value: Record<string, unknown>): string[] {
  const keys = Object.keys(value)
  return keys.some((key) => value[key] === undefined) ? keys.filter((key) => value[key] !== undefined) : keys
}
