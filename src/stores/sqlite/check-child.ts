/* oxlint-disable no-restricted-properties -- a program of its own, whose arguments and output are the library's */
import { lockDriver } from '../../drivers/choose-driver.js'
import { checkHere } from './check-here.js'

/** The process that `checkCopy` starts: a path comes in, what was found goes out. */
const [path] = process.argv.slice(2)
if (path !== undefined) process.stdout.write(JSON.stringify({ damage: checkHere(path, lockDriver()) }))
