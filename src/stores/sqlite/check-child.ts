/* oxlint-disable no-restricted-properties -- a program of its own, whose arguments and output are the library's */
import { disk } from '../../disk/disk.js'
import { hashFile } from '../../disk/hash-file.js'
import { hello } from '../../disk/run-script.js'
import { lockDriver } from '../../drivers/choose-driver.js'
import { systemCode } from '../../model/errors.js'
import { checkHere } from './check-here.js'

/** The process that `checkCopy` starts: a path comes in, what was found goes out. */
async function check(path: string): Promise<void> {
  // The disk writes while SQLite reads
  const durable = disk.fsyncFiles([path]).then(
    () => null,
    (error: unknown) => systemCode(error) || String(error),
  )
  const damage = checkHere(path, lockDriver())
  const failure = await durable
  process.stdout.write(JSON.stringify(failure === null ? { damage, readBack: await hashFile(path) } : { failure }))
}

process.stdout.write(hello)
const [path] = process.argv.slice(2)
if (path !== undefined) void check(path)
