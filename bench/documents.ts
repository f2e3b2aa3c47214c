import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { document } from './child/document.js'
import { runChild } from './child/run-child.js'
import type { Contender, Measurement } from './measurement.js'
import { workFolder } from './work-folder.js'

const count = 20_000

/** 20,000 JSON files of 2 KB, durable: a field is renamed and one is added. */
export function documents(): Measurement {
  const folder = workFolder('documents')
  const contender = (name: string, script: string, ...args: readonly string[]): Contender => {
    const root = (round: number): string => join(folder.path, `${script}-${round}`)
    return {
      name,
      prepare: (round) => makeDocuments(root(round)),
      run: (round) => runChild(script, root(round), ...args),
    }
  }
  return {
    title: `${count.toLocaleString('en')} JSON records of 2 KB, a file each`,
    compare: 'ratio',
    rounds: 4,
    contenders: [
      contender('16-way loop: read, change, write, fsync, rename', 'documents-loop'),
      contender('moult', 'records-moult', 'file', String(count)),
    ],
    target: 'at most 1.2 times the loop.',
    clean: folder.remove,
  }
}

function makeDocuments(root: string): void {
  mkdirSync(join(root, 'sessions'), { recursive: true })
  for (let index = 0; index < count; index++)
    writeFileSync(join(root, 'sessions', `${index}.json`), `${JSON.stringify(document(index), null, 2)}\n`)
}
