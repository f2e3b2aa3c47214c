/* oxlint-disable no-restricted-properties -- a program of its own, whose arguments and output are the library's */
import { beginCopy } from './copy-pages.js'

/** The process that `copyInChild` starts: two paths come in, what was copied goes out. */
const [path, to] = process.argv.slice(2)
if (path !== undefined && to !== undefined)
  void beginCopy(path, to)
    .finish()
    .then((copied) => process.stdout.write(JSON.stringify(copied)))
