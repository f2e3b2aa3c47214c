import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { checkout } from '../support/checkout.js'

export interface Compiler {
  readonly name: string
  /** Why it cannot be used here, or false. */
  readonly skip: string | false
  /** What it says about a project; empty when all is well. */
  compile(project: string): string
}

function findCompiler(name: string, folder: string, hint: string): Compiler {
  const tsc = join(folder, 'node_modules/typescript/bin/tsc')
  return {
    name,
    skip: existsSync(tsc) ? false : hint,
    compile(project) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', project, '--pretty', 'false'], {
        encoding: 'utf8',
      })
      return status === 0 ? '' : `${stdout}${stderr}` || `tsc ended with ${status}`
    },
  }
}

/** The TypeScripts that moult's declarations are made for. */
export const compilers: readonly Compiler[] = [
  findCompiler('TypeScript 7', checkout, 'run npm ci'),
  findCompiler(
    'TypeScript 5.9',
    join(checkout, 'tools/typescript5'),
    'not installed: npm ci --prefix tools/typescript5',
  ),
]
