export { main } from './main.js'
export type { MainOptions } from './main-options.js'
export { runCli } from './run-cli.js'
export type { RunCliOptions } from './run-cli.js'
