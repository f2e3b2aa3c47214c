// The loop that careful programs have: read, change, write a temporary file, fsync, rename; 16 at a time.
import { open, readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { changeDocument } from './document.js'
import { tellSample } from './tell-sample.js'

const [root] = process.argv.slice(2)
const folder = join(root!, 'sessions')

async function change(name: string): Promise<void> {
  const path = join(folder, name)
  const before = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
  const after = { ...changeDocument(before), schema_version: 2 }
  const file = await open(`${path}.tmp`, 'w')
  await file.writeFile(`${JSON.stringify(after, null, 2)}\n`)
  await file.sync()
  await file.close()
  await rename(`${path}.tmp`, path)
}

await tellSample(async () => {
  const names = await readdir(folder)
  let next = 0
  const lane = async (): Promise<void> => {
    for (let name = names[next++]; name !== undefined; name = names[next++]) await change(name)
  }
  await Promise.all(Array.from({ length: 16 }, lane))
  const directory = await open(folder, 'r')
  await directory.sync()
  await directory.close()
})
