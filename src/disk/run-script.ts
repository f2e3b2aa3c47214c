const mostBytes = 256 * 1024 * 1024

/** What a script prints that runs in a process of its own, in some 50 ms. Rejects if it cannot be started or fails. */
export function runScript(script: string, args: readonly string[]): Promise<Buffer> {
  const { execFile } = process.getBuiltinModule('node:child_process')
  // In Electron the executable is the app's, unless it is told to be Node
  const options = { encoding: 'buffer', maxBuffer: mostBytes, env: { ELECTRON_RUN_AS_NODE: '1' } } as const
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [script, ...args], options, (error, stdout) => {
      if (error) reject(new Error(`${script} failed`, { cause: error }))
      else resolve(stdout)
    })
  })
}
