import type { LockDirectory } from './lock-directory.js'
import { letGo } from './lock-file.js'
import { registry } from './registry.js'
import type { Hold, HoldKind } from './registry.js'

/** Keeps runs out: while it is held, no other process can begin to change the state. */
export interface SharedHold {
  /** False where there are no lock files and none were to be, or could be, made: then nothing is kept out. */
  readonly locked: boolean
  /** Lets newcomers' runs wait at `use` instead of at the gate; the state stays held. Safe to call twice. */
  dropGate(): void
  /** Safe to call twice. */
  release(): void
}

export const unlocked: SharedHold = { locked: false, dropGate() {}, release() {} }

/** Registers what `take` takes, and lets all of it go if it fails on the way. */
export async function hold<T>({ root }: LockDirectory, kind: HoldKind, take: (held: Hold) => Promise<T>): Promise<T> {
  const held: Hold = { root, kind, gate: null, use: null, work: null }
  registry().holds.add(held)
  try {
    return await take(held)
  } catch (error) {
    releaseAll(held)
    throw error
  }
}

export function sharedHold(held: Hold): SharedHold {
  return {
    locked: true,
    dropGate: () => dropGate(held),
    release: () => releaseAll(held),
  }
}

export function dropGate(held: Hold): void {
  dropFile(held, 'gate')
  if (held.kind === 'opening') held.kind = 'open'
}

export function dropFile(held: Hold, file: 'gate' | 'use' | 'work'): void {
  const taken = held[file]
  held[file] = null
  if (taken !== null) letGo(taken)
}

export function releaseAll(held: Hold): void {
  registry().holds.delete(held)
  // The gate last: who comes through it must not find the rest still held
  for (const file of ['work', 'use', 'gate'] as const) dropFile(held, file)
}
