/** A step file's name, taken apart. */
export interface StepName {
  /** What the step is called in markers: `0001_create`, whatever the file ends with, so that builds do not rename it. */
  readonly stem: string
  readonly number: number
  readonly isDown: boolean
  /** Without the dot; '' where there is none. */
  readonly ending: string
}

const pattern = /^((\d{4,})_[\p{L}\p{N}][\p{L}\p{N}_-]*)(\.down)?(?:\.(sql|ts|mts|cts|js|mjs|cjs))?$/u

/** Names that a compiler or an editor leaves beside step files. */
const ignored = /^\.|~$|\.d\.[cm]?ts$|\.map$/

export function isIgnored(file: string): boolean {
  return ignored.test(file)
}

/** Takes apart `0001_create.sql`, `0001_create.down.sql`, `0002_split.ts` or `0002_split`. Throws a TypeError for others. */
export function readStepName(where: string, file: string): StepName {
  const [, stem, digits, down, ending = ''] = pattern.exec(file) ?? []
  if (stem === undefined || digits === undefined) {
    throw new TypeError(
      `${where}: '${file}' is no step: steps are called 0001_short_description, with .sql, .ts, .mts, .cts, .js, .mjs or .cjs`,
    )
  }
  const isDown = down !== undefined
  if (isDown && ending !== '' && ending !== 'sql')
    throw new TypeError(
      `${where}: '${file}': a file of its own for the way back is SQL; a module has 'down' beside 'up'`,
    )
  return { stem, number: Number(digits), isDown, ending }
}
