const words: Readonly<Record<string, readonly string[]>> = {
  onPending: ['upgrade', 'refuse', 'continue'],
  onNewer: ['floor', 'refuse', 'continue'],
  access: ['write', 'read'],
}

const checks: Readonly<Record<string, { readonly means: string; readonly holds: (value: unknown) => boolean }>> = {
  waitMs: { means: 'milliseconds, 0 or more', holds: (value) => typeof value === 'number' && value >= 0 },
  onEvent: { means: 'a function', holds: (value) => typeof value === 'function' },
  signal: { means: 'an AbortSignal', holds: (value) => typeof (value as AbortSignal | null)?.aborted === 'boolean' },
  acceptEdited: { means: 'a list of steps: store.at(…), or store@step', holds: Array.isArray },
  reason: { means: 'a text that says why', holds: (value) => typeof value === 'string' },
  unclaimed: { means: 'true or false', holds: (value) => typeof value === 'boolean' },
}

/**
 * Throws a TypeError for an option that a method does not know or a value that it cannot have: a mistyped
 * `onPending: 'refuse'` must not upgrade.
 */
export function checkOptions(method: string, options: object, known: readonly string[]): void {
  for (const [name, value] of Object.entries(options)) {
    if (!known.includes(name)) throw new TypeError(`${method}: unknown option '${name}'; known are ${known.join(', ')}`)
    if (value === undefined) continue
    const allowed = words[name]
    if (allowed && !allowed.includes(value as string)) {
      throw new TypeError(`${method}: ${name} is one of ${allowed.map((word) => `'${word}'`).join(', ')}`)
    }
    const check = checks[name]
    if (check && !check.holds(value)) throw new TypeError(`${method}: ${name} must be ${check.means}`)
  }
}

/** Throws a TypeError where nothing is named: there is no downgrade of everything. */
export function checkTarget(method: string, target: unknown): void {
  if (target === undefined || (Array.isArray(target) && target.length === 0))
    throw new TypeError(`${method}: 'target' says what to go back to: store.at(…) or 'store@version'`)
}
