/* oxlint-disable no-restricted-properties -- a program of its own, whose arguments and output are the library's */
import { serialize } from 'node:v8'
import { hello } from '../../disk/run-script.js'
import { peek } from './peek.js'
import type { Peek } from './peeked.js'

/** The process that `peekInChild` starts: a path and names of tables come in, what `peek` found goes out. */
const [path, ...tables] = process.argv.slice(2)
process.stdout.write(hello)
if (path !== undefined) void peek(path, tables).then((found) => process.stdout.write(serialize(withoutCause(found))))

/** An error of the system may hold what cannot be copied; its message is in the reason. */
function withoutCause(found: Peek): Peek {
  return found.state === 'unreadable' ? { state: found.state, why: found.why, reason: found.reason } : found
}
