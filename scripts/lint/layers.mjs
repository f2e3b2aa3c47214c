/**
 * The layers of src (design §10), inmost first. A file may import its own folder and the layers named here, nothing
 * else: not statically, not with `import()`, not as a type.
 *
 * `builtins` and `packages` say what may come from outside. `root` is the files directly in src.
 */
const foundation = ['model', 'disk', 'drivers', 'json']
const stores = ['stores/files', 'stores/directory', 'stores/records', 'stores/sqlite']
const pure = { builtins: 'none', packages: [] }
const quiet = { builtins: 'quiet', packages: [] }

export const layers = {
  model: { imports: [], ...pure },
  json: { imports: ['model'], ...pure },
  // Runs sync(1), because Node has no syncfs.
  disk: { imports: ['model'], builtins: 'files', packages: ['picomatch'] },
  drivers: { imports: ['model', 'disk'], builtins: 'sqlite', packages: ['better-sqlite3'] },
  // What stores made of files have in common; no kind of its own.
  'stores/files': { imports: foundation, builtins: 'quiet', packages: ['picomatch', '@standard-schema/spec'] },
  'stores/directory': { imports: [...foundation, 'stores/files'], builtins: 'quiet', packages: ['picomatch'] },
  'stores/records': {
    imports: [...foundation, 'stores/files'],
    builtins: 'quiet',
    packages: ['picomatch', '@standard-schema/spec'],
  },
  'stores/sqlite': { imports: foundation, ...quiet },
  // What `stepsFrom` reads: definitions, before there is a state. They are synchronous, so SQL's guard is no import().
  'step-files': { imports: ['model', 'disk', 'stores/sqlite'], builtins: 'quiet', packages: ['jiti'] },
  engine: { imports: ['model', 'disk', 'drivers', 'backup'], ...quiet },
  backup: { imports: ['model', 'disk', 'drivers', 'engine'], ...quiet },
  root: {
    imports: [...foundation, ...stores, 'step-files', 'engine', 'backup'],
    builtins: 'quiet',
    packages: ['@standard-schema/spec'],
  },
  // The command line reads and writes the project's own sources (its config, step templates), never the state, so it
  // may use node:fs beside the fault seam. Of moult it sees only what everybody sees.
  cli: { imports: ['index.ts'], builtins: 'all', packages: ['commander', 'jiti'] },
}

const files = ['fs', 'fs/promises']
const ambient = ['process', 'readline', 'readline/promises', 'repl', 'tty']
const network = ['cluster', 'dgram', 'dns', 'dns/promises', 'http', 'http2', 'https', 'inspector', 'net', 'tls']
const processes = ['child_process']

/** Node's modules that a layer may not import, by the word in its row above. */
export const refusedBuiltins = {
  quiet: [...files, 'sqlite', ...ambient, ...network, ...processes],
  files: ['sqlite', ...ambient, ...network],
  sqlite: [...files, ...ambient, ...network, ...processes],
  all: ['sqlite', ...network],
}

/** Names that say nothing about what a file holds. */
export const emptyNames = ['common', 'constants', 'helper', 'helpers', 'misc', 'shared', 'types', 'util', 'utils']
