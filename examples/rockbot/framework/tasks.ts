import { directory } from 'moult'
import * as v from 'valibot'
import { skills } from './skills.js'

const file = 'scheduled-tasks.json'
const Task1 = v.looseObject({ name: v.string(), skillName: v.nullable(v.string()) })
const Task2 = v.looseObject({ name: v.string(), directive: v.nullable(v.string()) })

/** One file at the root. Its marker is `.tasks.schema-version`, because the directory is others' too. */
export const tasks = directory('tasks', { path: '.', files: file })
  .step('directives', {
    description: 'A skill that only a scheduled task uses becomes the directive of that task',
    // Both stores commit together: the text is never in both, and never lost.
    writes: { skills: skills.at('resources') },
    async up({ files, stores }) {
      if (!(await files.exists(file))) return
      const directives = new Map<string, string>()
      for (const { skillName } of await files.json(file, v.array(Task1))) {
        if (skillName === null || directives.has(skillName) || !(await stores.skills.exists(`${skillName}.json`)))
          continue
        directives.set(skillName, await stores.skills.text(`${skillName}.resources/main.md`))
        await stores.skills.delete(`${skillName}.json`)
        await stores.skills.delete(`${skillName}.resources`)
      }
      await files.rewrite(file, { from: Task1, to: Task2, each: 'element' }, ({ skillName, ...task }) => ({
        ...task,
        directive: skillName === null ? null : (directives.get(skillName) ?? null),
      }))
    },
  })
  .adopt('oldest')
