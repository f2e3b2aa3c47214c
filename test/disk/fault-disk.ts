import { replaceDisk, type Disk } from '#moult/disk/disk.js'

export class Crash extends Error {
  override name = 'Crash'
}

/** Operations that change a disk or make it durable; the others cannot leave anything half-done. */
const counted = new Set<keyof Disk>([
  'open',
  'write',
  'truncate',
  'fsync',
  'mkdir',
  'rmdir',
  'rename',
  'link',
  'unlink',
  'chmod',
  'chown',
  'utimes',
  'setTimes',
  'fsyncFiles',
  'syncFileSystem',
])
/** Operations that need room. */
const needsSpace = new Set<keyof Disk>(['write', 'mkdir', 'link', 'fsync', 'rename'])

export type Fault =
  /** `then` runs at the moment of the crash: to cut the power as well. */
  | { readonly kind: 'crash'; readonly at: number; readonly then?: () => void }
  | { readonly kind: 'error'; readonly code: 'EIO' | 'ENOSPC'; readonly at: number; readonly forEver: boolean }

export interface FaultyDisk {
  /** Whether the fault struck. */
  hit(): boolean
  /** The operation it struck. */
  what(): string
  heal(): void
}

/** Puts a disk in place that works until its n-th changing operation. A crashed one refuses everything from then on. */
export function failAt(fault: Fault): FaultyDisk {
  let left = fault.at
  let struck = ''
  const heal = replaceDisk((real) => {
    const wrap = (name: keyof Disk) => {
      return (...args: unknown[]): unknown => {
        const method = real[name] as (...args: unknown[]) => unknown
        // What the kernel tells of this process is on no disk
        const isOnDisk = !String(args[0]).startsWith('/proc/')
        const isAffected =
          isOnDisk && (fault.kind === 'crash' || fault.code === 'EIO' ? counted.has(name) : needsSpace.has(name))
        // A dead process closes what it had open.
        if (struck !== '' && fault.kind === 'crash' && name !== 'close' && name !== 'letGo') throw new Crash(struck)
        if (isAffected && (left-- === 0 || (left < 0 && fault.kind === 'error' && fault.forEver))) {
          struck ||= `${name} ${String(args[0])}`
          if (fault.kind === 'crash') {
            fault.then?.()
            throw new Crash(struck)
          }
          throw Object.assign(new Error(`${fault.code}: ${name} ${String(args[0])}`), {
            code: fault.code,
            path: args[0],
          })
        }
        return method(...args)
      }
    }
    return Object.fromEntries(
      (Object.keys(real) as (keyof Disk)[]).map((name) => [name, wrap(name)]),
    ) as unknown as Disk
  })
  return { hit: () => struck !== '', what: () => struck, heal }
}
