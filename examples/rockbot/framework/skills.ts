import { directory } from 'moult'
import * as v from 'valibot'

const Skill1 = v.looseObject({ name: v.string(), content: v.string() })
const Skill2 = v.looseObject({
  name: v.string(),
  manifest: v.array(v.object({ filename: v.string(), description: v.string() })),
})

/** `skills/<folder…>/<name>.json`, from version 1 on with its texts in `<name>.resources/` beside it. */
export const skills = directory('skills', {
  path: 'skills',
  files: ['**/*.json', '**/*.resources/**'],
  derived: ['**/.embeddings/**'],
})
  .step('resources', {
    description: "A skill's text becomes a file of its own, so that there can be more of them",
    async up({ files }) {
      for await (const file of files.glob('**/*.json')) {
        const { content, ...skill } = await files.json(file, Skill1)
        await files.write(mainTextOf(file), content)
        await files.writeJson(file, Skill2, {
          ...skill,
          manifest: [{ filename: 'main.md', description: 'The instructions' }],
        })
      }
    },
    async validate({ files }) {
      for await (const file of files.glob('**/*.json'))
        if (!(await files.exists(mainTextOf(file)))) return `${file} has no text`
      return true
    },
  })
  .adopt('oldest')

function mainTextOf(skill: string): string {
  return skill.replace(/\.json$/, '.resources/main.md')
}
