import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { runChild } from './child/run-child.js'
import type { Contender, Measurement } from './measurement.js'
import { workFolder } from './work-folder.js'

const steps = 500

/** 500 SQL steps and one commit: moult's default, and a bare loop over the same library. Tables get this many rows. */
export function sqlInOneCommit(rows: number): Measurement {
  const folder = workFolder(`sql-${rows}`)
  const contender = (name: string, script: string): Contender => {
    const root = (round: number): string => join(folder.path, `${script}-${round}`)
    return {
      name,
      prepare: (round) => mkdirSync(root(round)),
      run: (round) => runChild(script, root(round), String(steps), String(rows)),
    }
  }
  return {
    title: `${steps} SQL steps, one commit, tables of ${rows.toLocaleString('en')} rows`,
    compare: 'ratio',
    rounds: 15,
    contenders: [contender('bare loop over the library', 'sql-bare'), contender('moult', 'sql-moult')],
    target: 'at most 1.3 times the bare loop.',
    clean: folder.remove,
  }
}
