import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('./upgrade-child.js', import.meta.url))

export interface ChildResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly ms: number
  readonly report: {
    readonly outcome: string
    readonly steps: readonly string[]
    readonly recovered: string | null
  } | null
  readonly stderr: string
}

/** Upgrades an example in a process of its own; kills it so long after it began, if asked to. */
export function upgradeInChild(
  name: string,
  root: string,
  options: { readonly killAfterMs?: number; readonly startAt?: number } = {},
): Promise<ChildResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, name, root, String(options.startAt ?? 0)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    let startedAt = 0
    child.stdout.on('data', (data: Buffer) => {
      stdout += data.toString()
      if (startedAt > 0 || !stdout.includes('ready\n')) return
      startedAt = performance.now()
      if (options.killAfterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), options.killAfterMs)
    })
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      const line = stdout.split('\n').find((each) => each.startsWith('{'))
      resolve({
        code,
        signal,
        ms: performance.now() - startedAt,
        report: line === undefined ? null : (JSON.parse(line) as ChildResult['report']),
        stderr,
      })
    })
  })
}
