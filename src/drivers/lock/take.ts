import { MoultFailure } from '../../model/errors.js'
import { nameHolders } from './holders.js'
import type { LockDirectory } from './lock-directory.js'
import { tryLockFile } from './lock-file.js'
import type { HeldFile, LockMode } from './lock-file.js'
import { registry } from './registry.js'
import type { Waiting } from './waiting.js'

/** Which lock file, how, and with which refusal when the time is up. */
export interface Taking {
  readonly file: 'gate' | 'use' | 'work'
  readonly mode: LockMode
  readonly readOnly?: boolean
  readonly refusal: 'LOCKED' | 'IN_USE'
}

/** Takes one lock file, waiting for others to let it go. The first try doesn't wait for anything. */
export async function takeFile(directory: LockDirectory, taking: Taking, waiting: Waiting): Promise<HeldFile> {
  const path = directory[taking.file]
  const nameHolder = () => nameHolders(directory, path)
  for (;;) {
    const held = tryLockFile(registry().driver, path, taking.mode, taking.readOnly ?? false)
    if (held !== null) return held
    if (!(await waiting.pause(nameHolder))) throw refuse(directory, taking.refusal, nameHolder(), waiting.waitedMs())
  }
}

export function refuse(
  { root }: LockDirectory,
  code: 'LOCKED' | 'IN_USE',
  holder: string | null,
  waitedMs: number,
): MoultFailure {
  const who = holder ?? 'another process'
  const waited = waitedMs < 100 ? '' : ` (waited ${(waitedMs / 1000).toFixed(1)} s)`
  const details = { holder, waitedMs }
  if (code === 'LOCKED')
    return new MoultFailure('LOCKED', {
      message: `${root} is locked by ${who}${waited}; nothing was changed`,
      hint:
        holder === null
          ? 'Try again when no other program works on this state. If none does, its file system may have no working file locks: keep the state on a local disk.'
          : 'Try again when it is done; if it hangs, end it: its lock goes with it, and the next start finishes or undoes what it began.',
      details,
    })
  return new MoultFailure('IN_USE', {
    message: `${root} is in use by ${who}${waited}; nothing was changed`,
    hint:
      holder === 'this process'
        ? 'Close the state here first: what this process holds open it cannot wait for.'
        : 'Close the programs that have it open and try again.',
    details,
  })
}
