import { defineState, record, records } from 'moult'
import { anything } from './anything.js'
import { changeDocument } from './document.js'
import { tellSample } from './tell-sample.js'

const [root, each, count] = process.argv.slice(2)
const Session = record('session', { versionKey: 'schema_version', unversioned: 1 })
  .version(1, anything<Record<string, unknown>>())
  .version(2, anything<Record<string, unknown>>(), { up: changeDocument })
const store =
  each === 'line'
    ? records('sessions', { path: 'sessions.jsonl', each: 'line', record: Session })
    : records('sessions', { path: 'sessions', files: '*.json', record: Session })
const state = defineState({ app: 'bench', root: root!, stores: [store] })

await tellSample(async () => {
  const report = await state.upgrade({ backup: 'none' })
  const changed = report.steps.reduce((sum, { changes }) => sum + changes.records, 0)
  if (changed !== Number(count)) throw new Error(`${changed} records were changed, not ${count}`)
})
