const mostBytes = 256 * 1024 * 1024

export interface ScriptOptions {
  /** What it reads from its standard input. Default: nothing. */
  readonly input?: string
  /** Ends it, and rejects. */
  readonly signal?: AbortSignal | undefined
  /** How long to wait for its hello. Default 20,000. */
  readonly helloMs?: number
}

/** What a script writes first, before it does anything. */
export const hello = '+'

// Where the executable is the app's and cannot be told to be Node, the app starts once more, and would never end
const patienceMs = 20_000
let isPossible = true

/**
 * What a script prints, after `hello`, that runs in a process of its own, in some 50 ms. Rejects if it cannot be started,
 * does not say hello, or fails.
 */
export function runScript(
  script: string,
  args: readonly string[],
  { input = '', signal, helloMs = patienceMs }: ScriptOptions = {},
): Promise<Buffer> {
  const { execFile } = process.getBuiltinModule('node:child_process')
  // In Electron the executable is the app's, unless it is told to be Node
  const env = { ELECTRON_RUN_AS_NODE: '1' }
  const options = { encoding: 'buffer', maxBuffer: mostBytes, env, ...(signal && { signal }) } as const
  if (!isPossible) return Promise.reject(new Error(`${script} cannot be run by ${process.execPath}`))
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [script, ...args], options, (error, stdout) => {
      clearTimeout(timer)
      if (error !== null || stdout.subarray(0, 1).toString() !== hello)
        reject(new Error(`${script} failed`, { cause: error }))
      else resolve(stdout.subarray(1))
    })
    const timer = setTimeout(() => {
      isPossible = false
      child.kill('SIGKILL')
    }, helloMs)
    child.stdout?.once('data', (first) => String(first).startsWith(hello) && clearTimeout(timer))
    // One that ends without reading has failed, which the callback is told
    child.stdin?.on('error', () => undefined).end(input)
  })
}
