import { findOpeners } from '../drivers/find-openers.js'
import type { Waiting } from '../drivers/lock/waiting.js'
import type { Connection, Driver } from '../model/driver.js'
import { MoultFailure, systemCode } from '../model/errors.js'

export interface DatabaseUse {
  /** Absolute path. */
  readonly file: string
  readonly driver: () => Promise<Driver>
  readonly time: Waiting
}

/**
 * Opens a database, does something with it and closes it; as long as another program is in the way, again after a
 * while. `use` leaves nothing behind when it throws SQLITE_BUSY.
 *
 * @throws MoultError IN_USE when the time is up; INTERRUPTED
 */
export async function useWhenFree<T>(
  { file, driver, time }: DatabaseUse,
  use: (connection: Connection) => T,
): Promise<T> {
  for (;;) {
    try {
      return await useDatabase(file, driver, use)
    } catch (error) {
      if (!systemCode(error).startsWith('SQLITE_BUSY')) throw error
      if (!(await time.pause(() => findOpeners(file)))) throw inUse(file, time.waitedMs(), error)
    }
  }
}

export async function useDatabase<T>(
  file: string,
  driver: () => Promise<Driver>,
  use: (connection: Connection) => T,
): Promise<T> {
  const connection = (await driver()).open(file, { readOnly: false })
  try {
    return use(connection)
  } finally {
    connection.close()
  }
}

function inUse(file: string, waitedMs: number, cause: unknown): MoultFailure<'IN_USE'> {
  const holder = findOpeners(file)
  return new MoultFailure('IN_USE', {
    message: `A run was cut off here, and it cannot be finished or undone as long as ${file} is locked by ${holder ?? 'another program'} (waited ${(waitedMs / 1000).toFixed(1)} s).`,
    hint: 'Close the programs that use this database and start again; in this process, open the state before you open its databases.',
    details: { holder, waitedMs },
    cause,
  })
}
