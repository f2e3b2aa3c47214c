import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('./upgrade-child.js', import.meta.url))

export interface ChildResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly report: {
    readonly outcome: string
    readonly steps: readonly string[]
    readonly recovered: string | null
    /** How long `upgrade` took. */
    readonly ms: number
  } | null
  readonly stderr: string
}

/** Upgrades an example in a process of its own; kills it so long after its `upgrade` began, if asked to. */
export function upgradeInChild(
  name: string,
  root: string,
  options: { readonly killAfterMs?: number; readonly startAt?: number } = {},
): Promise<ChildResult> {
  return new Promise((resolve, reject) => {
    const kill = options.killAfterMs === undefined ? [] : [String(options.killAfterMs)]
    const child = spawn(process.execPath, [script, name, root, String(options.startAt ?? 0), ...kill], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()))
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      const line = stdout.split('\n').find((each) => each.startsWith('{'))
      const report = line === undefined ? null : (JSON.parse(line) as ChildResult['report'])
      resolve({ code, signal, report, stderr })
    })
  })
}
