import { disk } from './disk.js'

// More at a time would be no faster, and a process may not have many descriptors
const mostHeld = 64

/**
 * For files whose last name is about to go: to free their blocks may take the disk longer than the rename that replaces
 * them, which would wait for it with the directory locked. Held, they are freed beside it, on other threads.
 */
export class FreeLater {
  readonly #freeing: Promise<void>[] = []

  /** Runs `replace` while `path` is held. */
  async during(path: string, replace: () => Promise<void>): Promise<void> {
    const held = disk.hold(path)
    try {
      await replace()
    } finally {
      if (held !== null) this.#freeing.push(disk.letGo(held))
    }
    if (this.#freeing.length >= mostHeld) await this.end()
  }

  async end(): Promise<void> {
    await Promise.all(this.#freeing.splice(0))
  }
}
