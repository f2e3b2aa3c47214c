import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { document } from './child/document.js'
import { runChild } from './child/run-child.js'
import type { Contender, Measurement } from './measurement.js'
import { workFolder } from './work-folder.js'

const megabytes = 100

/** One JSONL file of 100 MB, streamed: what it takes is the time and the memory of its longest line, not of the file. */
export function lines(): Measurement {
  const folder = workFolder('lines')
  let count = 0
  const contender = (name: string, script: string, args: () => readonly string[]): Contender => {
    const root = (round: number): string => join(folder.path, `${script}-${round}`)
    return {
      name,
      prepare(round) {
        count = makeLines(root(round))
      },
      run: (round) => runChild(script, root(round), ...args()),
    }
  }
  return {
    title: `A JSONL file of ${megabytes} MB`,
    compare: 'ratio',
    rounds: 4,
    contenders: [
      contender('loop: readline, change, write stream, fsync, rename', 'lines-loop', () => []),
      contender('moult', 'records-moult', () => ['line', String(count)]),
    ],
    target: 'none in time; memory that does not grow with the file.',
    clean: folder.remove,
  }
}

function makeLines(root: string): number {
  mkdirSync(root)
  const fd = openSync(join(root, 'sessions.jsonl'), 'w')
  let count = 0
  for (let bytes = 0; bytes < megabytes * 1e6; count++) bytes += writeSync(fd, `${JSON.stringify(document(count))}\n`)
  closeSync(fd)
  return count
}
