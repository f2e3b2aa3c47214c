import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './root.mjs'

const outputs = /\.(?:js|d\.ts)$/

/** Built files whose source is gone: a renamed test would still run, a deleted module would be packed. */
export function findOrphans() {
  const orphans = []
  for (const [built, source] of [
    ['dist', 'src'],
    ['build', '.'],
  ]) {
    const folder = join(root, built)
    if (!existsSync(folder)) continue
    for (const name of readdirSync(folder, { recursive: true })) {
      const isOutput = outputs.test(name) && !name.includes('node_modules')
      if (isOutput && !existsSync(join(root, source, name.replace(outputs, '.ts')))) orphans.push(join(folder, name))
    }
  }
  return orphans
}
