import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { checkout } from '../support/checkout.js'

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly pid: number
  /** Resolves when this text has come on stderr or stdout. */
  says(text: string): Promise<void>
  kill(signal: NodeJS.Signals): void
  readonly ended: Promise<Ended>
}

export const bin = join(checkout, 'dist/cli/bin.js')

/** Somebody's project, with moult installed, and a directory for its state. Gone when the test is over. */
export class CliProject {
  readonly path = mkdtempSync(join(tmpdir(), 'moult-cli-'))
  readonly data = join(this.path, 'data')

  constructor(files: Readonly<Record<string, string>> = {}) {
    mkdirSync(this.data)
    mkdirSync(join(this.path, 'node_modules'))
    symlinkSync(checkout, join(this.path, 'node_modules/moult'))
    for (const [name, text] of Object.entries(files)) this.write(name, text)
  }

  write(name: string, text: string): string {
    const path = join(this.path, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    return path
  }

  /** The `moult` command. */
  run(
    args: readonly string[],
    options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
  ): Promise<Ended> {
    return this.start([bin, ...args], options).ended
  }

  start(
    args: readonly string[],
    { cwd = this.path, env = {} }: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
  ): Running {
    const child = spawn(process.execPath, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    const told: (() => void)[] = []
    const tell = (): void => told.forEach((listener) => listener())
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      tell()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
      tell()
    })
    const ended = new Promise<Ended>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code) => resolve({ code, stdout, stderr }))
    })
    return {
      pid: child.pid ?? 0,
      ended,
      kill: (signal) => void child.kill(signal),
      says: (text) =>
        new Promise((resolve, reject) => {
          const look = (): void => void ((stdout + stderr).includes(text) && resolve())
          told.push(look)
          look()
          void ended.then((end) => reject(new Error(`ended before it said '${text}': ${JSON.stringify(end)}`)), reject)
        }),
    }
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

/** A config of one database whose steps are given as code. */
export function configOf(
  steps: string,
  state = "defineState({ app: 'agent', appVersion: '1.0.0', stores: [db] })",
): string {
  return `
import { defineState, sqlite } from 'moult'
const db = sqlite('db', { path: 'db.sqlite' })${steps}
export default ${state}.in(new URL('./data', import.meta.url).pathname)
`
}

export const twoSteps = `
  .step('create', { up: 'CREATE TABLE t(x); INSERT INTO t VALUES (1), (2)' })
  .step('double', { up: 'UPDATE t SET x = x * 2' })`
