/* oxlint-disable no-restricted-properties -- a program of its own, whose arguments, input and output are the library's */
import { disk } from '../../disk/disk.js'
import { hello } from '../../disk/run-script.js'
import { beginCopy, copyRest, fileOf } from './copy-pages.js'
import type { CopiedDatabase } from './copy-pages.js'

interface Rest {
  readonly pageSize: number
  readonly pageCount: number
  readonly copied: readonly number[]
  readonly file: string
}

/** The process that `copyInChild` and `finishCopy` start: two paths come in, and what is there; what was copied goes out. */
async function copy(path: string, to: string, rest: string): Promise<CopiedDatabase> {
  if (rest === '') return await beginCopy(path, to).finish()
  const { copied, ...size } = JSON.parse(rest) as Rest
  const from = disk.open(path, 'r')
  if (fileOf(from) !== size.file) throw new Error(`${path} is another file by now`)
  return await copyRest({ ...size, copied: new Set(copied) }, { from, to: disk.open(to, 'r+') })
}

process.stdout.write(hello)
const [path, to] = process.argv.slice(2)
if (path !== undefined && to !== undefined) {
  let rest = ''
  process.stdin.setEncoding('utf8')
  process.stdin.on('data', (text) => (rest += String(text)))
  process.stdin.on(
    'end',
    () => void copy(path, to, rest).then((copied) => process.stdout.write(JSON.stringify(copied))),
  )
}
