import { directory } from 'moult'
import * as v from 'valibot'

const Turn = v.looseObject({ role: v.string(), content: v.string() })
const Conversation1 = v.looseObject({ id: v.string(), turns: v.array(Turn) })

/** `conversations/<folder…>/{id}.jsonl`: the conversation, then a turn a line. Before version 1 it was one JSON document. */
export const conversations = directory('conversations', {
  path: 'conversations',
  files: ['**/*.json', '**/*.jsonl'],
})
  .step('lines', {
    description: 'A turn is appended; the file is no longer written anew for each',
    async up({ files, progress }) {
      let done = 0
      for await (const file of files.glob('**/*.json')) {
        const { turns, ...conversation } = await files.json(file, Conversation1)
        const lines = [conversation, ...turns].map((line) => `${JSON.stringify(line)}\n`)
        await files.write(file.replace(/\.json$/, '.jsonl'), lines.join(''))
        await files.delete(file)
        progress(++done)
      }
    },
    async validate({ files }) {
      for await (const file of files.glob('**/*.json')) return `${file} is still there`
      return true
    },
  })
  .adopt('oldest')
