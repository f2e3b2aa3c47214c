// Compares the public API with the reports in api/, so that each change of it is a diff; --write brings them up to date.
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './root.mjs'

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const entryPoints = Object.entries(exports).flatMap(([path, { types }]) =>
  types === undefined ? [] : [[`moult${path.slice(1).replace('/', '-')}`, types]],
)
const isWriting = process.argv.includes('--write')

/** Whether the report of one entry point is up to date, or has been brought there. */
function report(name, entryPoint) {
  const mainEntryPointFilePath = join(root, entryPoint)
  if (!existsSync(mainEntryPointFilePath)) {
    console.error(`${name}: ${entryPoint} is missing`)
    return false
  }
  const none = { logLevel: ExtractorLogLevel.None }
  const extractorConfig = ExtractorConfig.prepare({
    packageJsonFullPath: join(root, 'package.json'),
    configObjectFullPath: join(root, 'api-extractor.json'),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath,
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: 'es2023',
            lib: ['es2023', 'esnext.disposable'],
            module: 'nodenext',
            moduleResolution: 'nodenext',
            strict: true,
            exactOptionalPropertyTypes: true,
            skipLibCheck: true,
            types: ['node'],
          },
          files: [mainEntryPointFilePath],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: join(root, 'api'),
        reportTempFolder: join(root, 'temp'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.Error },
          // What a consumer's own .d.ts may have to name must be exported (TS4023 otherwise).
          'ae-forgotten-export': { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: true },
          'ae-missing-release-tag': none,
          'ae-undocumented': none,
          'ae-unresolved-link': none,
        },
        tsdocMessageReporting: { default: none },
      },
    },
  })
  const result = Extractor.invoke(extractorConfig, {
    localBuild: isWriting,
    messageCallback: (message) => {
      message.handled = message.logLevel === ExtractorLogLevel.Verbose || message.logLevel === ExtractorLogLevel.Info
      if (message.messageId.startsWith('console-api-report') || message.messageId.includes('version'))
        message.handled = true
    },
  })
  if (result.apiReportChanged && !isWriting)
    console.error(`${name}: the public API is not what api/${name}.api.md says. If that is meant, run: npm run api`)
  return result.errorCount === 0 && (isWriting || !result.apiReportChanged)
}

mkdirSync(join(root, 'api'), { recursive: true })
const results = entryPoints.map(([name, entryPoint]) => report(name, entryPoint))
process.exitCode = results.every(Boolean) ? 0 : 1
