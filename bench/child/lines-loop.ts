// The loop that careful programs have: line by line into a temporary file, fsync, rename.
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { changeDocument } from './document.js'
import { tellSample } from './tell-sample.js'

const [root] = process.argv.slice(2)
const path = join(root!, 'sessions.jsonl')

await tellSample(async () => {
  const output = createWriteStream(`${path}.tmp`)
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    const after = { ...changeDocument(JSON.parse(line) as Record<string, unknown>), schema_version: 2 }
    if (!output.write(`${JSON.stringify(after)}\n`)) await once(output, 'drain')
  }
  output.end()
  await once(output, 'close')
  const written = await open(`${path}.tmp`, 'r+')
  await written.sync()
  await written.close()
  await rename(`${path}.tmp`, path)
})
