import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Sample } from '../measurement.js'

/** The time of a whole process, from its start to its end; it ends by telling the processor time that it took. */
export function timeProcess(args: readonly string[]): Sample {
  const startedAt = performance.now()
  const { status, stdout, stderr, error } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  const ms = performance.now() - startedAt
  if (status !== 0) throw new Error(`${args.join(' ')} failed: ${String(error ?? stderr)}`)
  return { ms, cpuMs: Number(stdout) / 1000 }
}

/** The time that a process of its own says its work took, without its start, and the most memory it had. */
export function runChild(script: string, ...args: readonly string[]): Sample {
  const path = childPath(script)
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [path, ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${script} ${args.join(' ')} failed: ${String(error ?? stderr)}`)
  return JSON.parse(stdout) as Sample
}

export function childPath(script: string): string {
  return fileURLToPath(new URL(`./${script}.js`, import.meta.url))
}
