import { once } from 'node:events'
import { errorTable, isMoultError } from 'moult'
import { runCli } from 'moult/cli'
import { openDatabase } from '../../test/support/sqlite.js'
import { clankers, state } from './state.js'

/**
 * Clankers itself: `daemon DIR` and `query DIR`, and moult's commands inside its own CLI, `migrate DIR …` and
 * `migrate:status DIR …`. Returns the exit code.
 */
export async function main([command, dataDir = '', ...args]: readonly string[]): Promise<number> {
  const placed = state.in(dataDir)
  switch (command) {
    case 'daemon':
      return serve(dataDir)
    case 'query':
      return query(dataDir)
    case 'migrate':
      return runCli(placed, args, { name: 'clankers migrate', defaultCommand: 'upgrade' })
    case 'migrate:status':
      return runCli(placed, ['status', ...args], { name: 'clankers migrate:status' })
    default:
      process.stderr.write('usage: clankers daemon|query|migrate|migrate:status DIR\n')
      return 2
  }
}

/** Upgrades if needed, then serves until its input ends. While it runs, nobody upgrades the database under it. */
async function serve(dataDir: string): Promise<number> {
  return refusable(async () => {
    await using held = await state.in(dataDir).open()
    const db = openDatabase(held.path(clankers))
    db.exec('PRAGMA journal_mode = WAL')
    const { n } = db.get('SELECT count(*) AS n FROM sessions') ?? {}
    const steps = held.report.steps.length
    process.stdout.write(`${JSON.stringify({ outcome: held.report.outcome, steps, sessions: n })}\n`)
    process.stdin.resume()
    await once(process.stdin, 'end')
    db.close()
    return 0
  })
}

/** Only looks: it never upgrades, and answers nothing from a schema that it does not know exactly. */
async function query(dataDir: string): Promise<number> {
  return refusable(async () => {
    await using held = await state.in(dataDir).open({ access: 'read', onPending: 'refuse', onNewer: 'refuse' })
    const db = openDatabase(held.path(clankers))
    const { n } = db.get("SELECT count(*) AS n FROM sessions WHERE status = 'ended'") ?? {}
    db.close()
    process.stdout.write(`${JSON.stringify({ outcome: held.report.outcome, ended: n })}\n`)
    return 0
  })
}

async function refusable(action: () => Promise<number>): Promise<number> {
  try {
    return await action()
  } catch (error) {
    if (!isMoultError(error)) throw error
    process.stderr.write(`${error.code}: ${error.message} ${error.hint}\n`)
    return errorTable[error.code].exit
  }
}
