import { Writable } from 'node:stream'

/**
 * Standard output for one document and nothing else: what the config, the steps and their libraries print from now on
 * goes to standard error.
 */
export function takeStdout(): Writable {
  const write = process.stdout.write.bind(process.stdout)
  process.stdout.write = process.stderr.write.bind(process.stderr)
  return new Writable({ write: (chunk: Uint8Array, _encoding, done) => void write(chunk, done) })
}
