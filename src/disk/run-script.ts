const mostBytes = 256 * 1024 * 1024

export interface ScriptOptions {
  /** What it reads from its standard input. Default: nothing. */
  readonly input?: string
  /** Ends it, and rejects. */
  readonly signal?: AbortSignal | undefined
}

/** What a script prints that runs in a process of its own, in some 50 ms. Rejects if it cannot be started or fails. */
export function runScript(
  script: string,
  args: readonly string[],
  { input = '', signal }: ScriptOptions = {},
): Promise<Buffer> {
  const { execFile } = process.getBuiltinModule('node:child_process')
  // In Electron the executable is the app's, unless it is told to be Node
  const env = { ELECTRON_RUN_AS_NODE: '1' }
  const options = { encoding: 'buffer', maxBuffer: mostBytes, env, ...(signal && { signal }) } as const
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [script, ...args], options, (error, stdout) => {
      if (error) reject(new Error(`${script} failed`, { cause: error }))
      else resolve(stdout)
    })
    // One that ends without reading has failed, which the callback is told
    child.stdin?.on('error', () => undefined).end(input)
  })
}
