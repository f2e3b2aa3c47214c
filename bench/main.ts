import { backup } from './backup.js'
import { lines } from './lines.js'
import { measure } from './measurement.js'
import type { Measurement } from './measurement.js'
import { documents } from './documents.js'
import { sqlInOneCommit } from './sql.js'
import { startup } from './startup.js'
import { renderTable } from './table.js'

const measurements: Readonly<Record<string, () => Measurement | Promise<Measurement>>> = {
  startup: () => startup('two-of-each', '2 SQLite, 2 directories, 2 of records'),
  'startup-json': () => startup('three-and-three', '3 SQLite, 3 of records'),
  sql: () => sqlInOneCommit(5000),
  'sql-small': () => sqlInOneCommit(100),
  documents,
  lines,
  backup: () => backup('first'),
  'backup-second': () => backup('second'),
  'backup-restore': () => backup('restore'),
}

/** `npm run bench` for all, `npm run bench -- sql lines` for those whose names begin so. */
async function main(words: readonly string[]): Promise<void> {
  const names = Object.keys(measurements)
  const stray = words.find((word) => !names.some((name) => name.startsWith(word)))
  if (stray !== undefined) {
    console.error(`There is no measurement '${stray}'; there are ${names.join(', ')}`)
    process.exitCode = 2
    return
  }
  for (const name of names.filter((name) => words.length === 0 || words.some((word) => name.startsWith(word)))) {
    const measurement = await measurements[name]!()
    try {
      console.log(`${renderTable(measurement, await measure(measurement))}\n`)
    } finally {
      measurement.clean()
    }
  }
}

await main(process.argv.slice(2))
