import { isBuiltin } from 'node:module'
import { basename, dirname, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { emptyNames, layers, refusedBuiltins } from './layers.mjs'

const src = fileURLToPath(new URL('../../src', import.meta.url))

/** The layer of a path below src: the longest folder that has a row, 'root' for files in src itself. */
function findLayer(path) {
  const folders = dirname(path).split('/')
  if (folders[0] === '.') return 'root'
  return [folders.slice(0, 2).join('/'), folders[0]].find((name) => Object.hasOwn(layers, name))
}

/** Why `file` (below src) may not import `specifier`, or nothing. */
function refuseImport(file, specifier) {
  const layer = findLayer(file)
  if (layer === undefined) return `src/${dirname(file)} is no layer: add its row to scripts/lint/layers.mjs.`
  const { imports, builtins, packages } = layers[layer]
  if (specifier.startsWith('.')) {
    const target = relative(src, resolve(src, dirname(file), specifier))
      .split(sep)
      .join('/')
      .replace(/\.js$/, '.ts')
    if (target.startsWith('../')) return `${layer} imports from outside src.`
    const wanted = findLayer(target)
    if (wanted === layer || imports.includes(wanted) || imports.includes(target)) return
    return `${layer} must not import ${wanted ?? target}: it may use ${imports.join(', ') || 'nothing'} (design §10).`
  }
  // Node 20 doesn't know node:sqlite.
  if (specifier.startsWith('node:') || isBuiltin(specifier)) {
    const name = specifier.replace(/^node:/, '')
    if (builtins === 'none') return `${layer} is pure: it must not import ${specifier}.`
    if (refusedBuiltins[builtins].includes(name)) return `${layer} must not use node:${name} (design §10).`
    return
  }
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  if (!packages.includes(name)) return `${layer} must not import the package ${name} (design §10).`
}

/** Imports inside src go only inward. */
const layersRule = {
  create(context) {
    const file = relative(src, context.filename).split(sep).join('/')
    if (file.startsWith('../')) return {}
    const check = (node, source) => {
      if (source?.type !== 'Literal' || typeof source.value !== 'string') return
      const message = refuseImport(file, source.value)
      if (message !== undefined) context.report({ node, message })
    }
    return {
      ImportDeclaration: (node) => check(node, node.source),
      ExportNamedDeclaration: (node) => check(node, node.source),
      ExportAllDeclaration: (node) => check(node, node.source),
      ImportExpression: (node) => check(node, node.source),
      TSImportType: (node) => check(node, node.source ?? node.argument?.literal),
      TSExternalModuleReference: (node) => check(node, node.expression),
      // require(), import.meta.resolve(), process.getBuiltinModule() and whatever else loads a module by its name.
      CallExpression(node) {
        const name = node.arguments[0]?.value
        if (name === 'better-sqlite3' || (typeof name === 'string' && name.startsWith('node:')))
          check(node, node.arguments[0])
      },
    }
  },
}

/** A file is named for the one notion it holds. */
const fileNameRule = {
  create: (context) => ({
    Program(node) {
      const name = basename(context.filename).split('.')[0]
      if (emptyNames.includes(name))
        context.report({ node, message: `"${name}" says nothing: name the file for the notion it holds.` })
    },
  }),
}

/** The library loads without awaiting anything, so that CommonJS can require it. */
const topLevelAwaitRule = {
  create(context) {
    let depth = 0
    const enter = () => void depth++
    const leave = () => void depth--
    const report = (node) => depth === 0 && context.report({ node, message: 'No top-level await: require() fails.' })
    return {
      FunctionDeclaration: enter,
      'FunctionDeclaration:exit': leave,
      FunctionExpression: enter,
      'FunctionExpression:exit': leave,
      ArrowFunctionExpression: enter,
      'ArrowFunctionExpression:exit': leave,
      AwaitExpression: report,
      ForOfStatement: (node) => node.await && report(node),
    }
  },
}

export default {
  meta: { name: 'moult' },
  rules: { layers: layersRule, 'file-name': fileNameRule, 'top-level-await': topLevelAwaitRule },
}
