import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './root.mjs'

const outputs = /\.(?:js|d\.ts)$/
const unbuilt = /^test\/(?:types|golden)\/|node_modules\/|\.d\.ts$/

/** The two builds: where their outputs are, where their sources are, and the folders of those that are built. */
const builds = [
  { built: 'dist', source: 'src', folders: ['.'] },
  { built: 'build', source: '.', folders: ['test', 'examples', 'bench'] },
]

const list = (folder) => (existsSync(folder) ? readdirSync(folder, { recursive: true }) : [])

/** Built files whose source is gone: a renamed test would still run, a deleted module would be packed. */
export function findOrphans() {
  return builds.flatMap(({ built, source }) =>
    list(join(root, built))
      .filter((name) => outputs.test(name) && !name.includes('node_modules'))
      .filter((name) => !existsSync(join(root, source, name.replace(outputs, '.ts'))))
      .map((name) => join(root, built, name)),
  )
}

/** What the compiler remembers of builds whose files are not all there any more: it would not make them again. */
export function findStaleMemories() {
  return builds
    .filter(({ built, source, folders }) =>
      folders
        .flatMap((folder) => list(join(root, source, folder)).map((name) => join(folder, name)))
        .filter((name) => name.endsWith('.ts') && !unbuilt.test(name))
        .some((name) => !existsSync(join(root, built, name.replace(/\.ts$/, '.js')))),
    )
    .map(({ built }) => join(root, built, '.tsbuildinfo'))
}
