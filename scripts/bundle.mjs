// Makes the JavaScript of the package: what `import 'moult'` and a look at an up-to-date state need in a few files
// instead of a hundred, since what a start-up check costs is Node's loader. The rest stays in files of its own, loaded
// when it is used. The tests run on the modules as they were compiled, in build/src; a project, the commands and the
// smoke tests run on this.
import { chmodSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { rollup } from '@rollup/wasm-node'
import { root } from './root.mjs'

const source = join(root, 'build/src')
const target = join(root, 'dist')

/** Modules that are started or imported by their path. The rest is found from them. */
const entries = {
  index: 'index.js',
  'cli/index': 'cli/index.js',
  'cli/bin': 'cli/bin.js',
  // Beside the chunk that starts it
  'chunks/peek-child': 'stores/sqlite/peek-child.js',
  'chunks/copy-child': 'stores/sqlite/copy-child.js',
  'chunks/check-child': 'stores/sqlite/check-child.js',
}

/** What a start loads: to look at a state, and to hold it. Each of these with all that it imports is one file. */
const chunks = {
  moult: ['index.js'],
  open: ['engine/open.js', 'drivers/choose-driver.js'],
}

const pathsIn = (folder, groups) =>
  Object.fromEntries(Object.entries(groups).map(([name, paths]) => [name, paths.map((path) => join(folder, path))]))

const filesIn = (folder) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true })
        .filter((name) => name.endsWith('.js'))
        .map((name) => join(folder, name))
    : []

const isUpToDate = () => {
  const made = Object.keys(entries).map((name) => join(target, `${name}.js`))
  if (!made.every((path) => existsSync(path))) return false
  const madeAt = Math.min(...made.map((path) => statSync(path).mtimeMs))
  return [...filesIn(source), import.meta.filename].every((path) => statSync(path).mtimeMs <= madeAt)
}

/** A text with a character beyond Latin-1 takes V8 twice the memory, and longer to parse. */
const escapeCharacters = {
  name: 'escape-characters',
  renderChunk: (code) =>
    code.replaceAll(/[^\0-\x7f]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`),
}

async function write(names, output) {
  const build = await rollup({
    input: Object.fromEntries(names.map((name) => [name, join(source, entries[name])])),
    external: /^[^./]/,
    treeshake: { moduleSideEffects: false },
    plugins: [escapeCharacters],
    onwarn: (warning) => {
      throw new Error(warning.message)
    },
  })
  await build.write({ dir: target, format: 'esm', hoistTransitiveImports: false, ...output })
  await build.close()
}

export async function bundle() {
  if (isUpToDate()) return
  for (const path of filesIn(target)) rmSync(path)
  await write(['index', 'cli/index', 'cli/bin'], {
    chunkFileNames: 'chunks/[name].js',
    manualChunks: pathsIn(source, chunks),
  })
  // By itself: what it shares with the others would be files that these have to load.
  for (const name of Object.keys(entries).filter((each) => each.endsWith('-child')))
    await write([name], { inlineDynamicImports: true })
  chmodSync(join(target, 'cli/bin.js'), 0o755)
}
