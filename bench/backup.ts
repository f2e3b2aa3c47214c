import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { childPath, runChild } from './child/run-child.js'
import type { Contender, Measurement, Sample } from './measurement.js'
import { workFolder } from './work-folder.js'

const rounds = 3
const target = {
  first: 'at most 1 times cp -a and sha256sum.',
  second: 'at most 0.5 times cp -a and sha256sum of everything.',
  restore: 'at most 1 times cp -a.',
}

/** What a person would type, made durable as moult makes it. */
function shell(command: string): Sample {
  const startedAt = performance.now()
  execFileSync('sh', ['-c', command], { stdio: 'ignore' })
  return { ms: performance.now() - startedAt }
}

function makeData(what: 'make' | 'change', root: string): void {
  const { signal } = spawnSync(process.execPath, [childPath('backup-data'), what, root], { stdio: 'inherit' })
  if (signal !== 'SIGKILL') throw new Error(`backup-data ${what} failed`)
}

/** A database of 300 MB with rows in its log, and 10,000 small files: copied and verified, for the first or second time, or brought back. */
export function backup(kind: keyof typeof target): Measurement {
  const folder = workFolder('backup')
  const original = join(folder.path, 'original')
  const root = (round: number): string => join(folder.path, `moult-${round}`)
  const copy = (round: number): string => join(folder.path, `copy-${round}`)
  mkdirSync(original)
  makeData('make', original)
  execFileSync('sync', ['-f', folder.path])
  const copyThere = (round: number): Sample => shell(`cp -a '${original}' '${copy(round)}' && sync -f '${copy(round)}'`)
  const copyAndSum = (round: number): Sample =>
    shell(
      `cp -a '${original}' '${copy(round)}' && sync -f '${copy(round)}' && cd '${copy(round)}' && find . -type f -print0 | xargs -0 sha256sum`,
    )
  const moult: Contender = {
    name: 'moult',
    prepare: (round) => {
      cpSync(original, root(round), { recursive: true, preserveTimestamps: true })
      if (kind !== 'first') {
        runChild('backup-moult', 'create', root(round))
        makeData('change', root(round))
      }
      // A restore keeps what is there, as a backup would: what it links to is there already
      if (kind === 'restore') runChild('backup-moult', 'create', root(round))
      // Else a sync would flush this too
      execFileSync('sync', ['-f', folder.path])
    },
    run: (round) => runChild('backup-moult', kind === 'restore' ? 'restore' : 'create', root(round)),
  }
  return {
    title: `300 MB in a database with rows in its log, and 10,000 small files: ${kind === 'restore' ? 'restored' : `the ${kind} backup`}`,
    compare: 'ratio',
    rounds,
    contenders: [
      kind === 'restore'
        ? { name: 'cp -a, sync', run: copyThere }
        : { name: 'cp -a, sync, sha256sum', run: copyAndSum },
      moult,
    ],
    target: target[kind],
    clean: () => {
      for (const name of readdirSync(folder.path)) rmSync(join(folder.path, name), { recursive: true, force: true })
      folder.remove()
    },
  }
}
