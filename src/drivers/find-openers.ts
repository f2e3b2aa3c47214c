import { disk } from '../disk/disk.js'
import { pinnedDescriptors } from '../disk/pin.js'
import { nameProcess } from './lock/kernel-locks.js'

const shownOpeners = 3

/**
 * The processes that have a file open, in words, for messages; null where there is none, or where the system does not
 * tell: other users' processes, other containers' and other systems than Linux. Descriptors that moult keeps open do
 * not count.
 */
export function findOpeners(path: string): string | null {
  if (process.platform !== 'linux') return null
  const wanted = identityOf(path)
  if (wanted === null) return null
  const names = namesIn('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const isOurs = Number(pid) === process.pid
      const ignored = isOurs ? pinnedDescriptors() : new Set<number>()
      const descriptors = namesIn(`/proc/${pid}/fd`).filter((name) => !ignored.has(Number(name)))
      if (!descriptors.some((name) => identityOf(`/proc/${pid}/fd/${name}`) === wanted)) return []
      return [isOurs ? 'this process' : nameProcess(Number(pid))]
    })
  const more = names.length - shownOpeners
  const shown = names.slice(0, shownOpeners).join(', ')
  return names.length === 0 ? null : more > 0 ? `${shown} and ${more} more` : shown
}

/** A process may end, or close a file, while it is looked at. */
function namesIn(folder: string): string[] {
  try {
    return disk.readdir(folder).map(({ name }) => name)
  } catch {
    return []
  }
}

function identityOf(path: string): string | null {
  try {
    const { dev, ino } = disk.stat(path)
    return `${dev}:${ino}`
  } catch {
    return null
  }
}
