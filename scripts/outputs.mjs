import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './root.mjs'

const unbuilt = /^test\/(?:types|golden)\/|node_modules\/|\.d\.ts$/

/** What the compiler makes of which sources, and where it remembers that it did. */
const builds = [
  { built: 'build/src', kind: '.js', source: 'src', folders: ['.'], memory: 'build/src/.tsbuildinfo' },
  { built: 'dist', kind: '.d.ts', source: 'src', folders: ['.'], memory: 'build/src/.tsbuildinfo' },
  { built: 'build', kind: '.js', source: '.', folders: ['test', 'examples', 'bench'], memory: 'build/.tsbuildinfo' },
]

const list = (folder) => (existsSync(folder) ? readdirSync(folder, { recursive: true }) : [])
const listIn = (folder, folders) => folders.flatMap((each) => list(join(folder, each)).map((name) => join(each, name)))

/** Built files whose source is gone: a renamed test would still run, a deleted declaration would be packed. */
export function findOrphans() {
  return builds.flatMap(({ built, kind, source, folders }) =>
    listIn(join(root, built), folders)
      .filter((name) => name.endsWith(kind) && !name.includes('node_modules'))
      .filter((name) => !existsSync(join(root, source, `${name.slice(0, -kind.length)}.ts`)))
      .map((name) => join(root, built, name)),
  )
}

/** What the compiler remembers of builds whose files are not all there any more: it would not make them again. */
export function findStaleMemories() {
  return builds
    .filter(({ built, kind, source, folders }) =>
      listIn(join(root, source), folders)
        .filter((name) => name.endsWith('.ts') && !unbuilt.test(name))
        .some((name) => !existsSync(join(root, built, name.replace(/\.ts$/, kind)))),
    )
    .map(({ memory }) => join(root, memory))
}
