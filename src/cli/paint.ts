export type Output = NodeJS.WritableStream & { readonly isTTY?: boolean }

type Colour = 'red' | 'yellow' | 'green' | 'dim'
export type Paint = (colour: Colour, text: string) => string

const codes: Readonly<Record<Colour, readonly [number, number]>> = {
  red: [31, 39],
  yellow: [33, 39],
  green: [32, 39],
  dim: [2, 22],
}

/** Colours for a terminal; none into a pipe or a file, and none where NO_COLOR is set (no-color.org). */
export function makePaint(output: Output): Paint {
  const isColoured = output.isTTY === true && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb'
  return (colour, text) =>
    isColoured && text !== '' ? `\u001B[${codes[colour][0]}m${text}\u001B[${codes[colour][1]}m` : text
}

/** Text from elsewhere (names of files, messages of other people's errors) without what a terminal would act on. */
export function plain(text: string): string {
  return text.replace(
    /[^\P{Cc}\n]|[\u2028-\u202E\u2066-\u2069]/gu,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
