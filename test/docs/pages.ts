import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { checkout } from '../support/checkout.js'

/** A Markdown page of the checkout. */
export interface Page {
  /** Relative to the checkout. */
  readonly path: string
  readonly text: string
}

export function readPage(path: string): Page {
  return { path, text: readFileSync(join(checkout, path), 'utf8') }
}

/** Every page that is there for people: those beside the README, and docs/. */
export function readPages(): readonly Page[] {
  const docs = readdirSync(join(checkout, 'docs')).filter((name) => name.endsWith('.md'))
  const top = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'].filter((name) => existsSync(join(checkout, name)))
  return [...top, ...docs.map((name) => `docs/${name}`)].map(readPage)
}

export interface CodeBlock {
  readonly language: string
  readonly code: string
}

export function codeBlocks({ text }: Page): readonly CodeBlock[] {
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = '', code = '']) => ({ language, code }))
}

/** A page's text without its code. */
export function proseOf({ text }: Page): string {
  return text.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '')
}

/** What `#…` in a link may name, as GitHub makes it of the headings. */
export function anchorsOf({ text }: Page): ReadonlySet<string> {
  const headings = [...text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/^#{1,6} (.+)$/gm)]
  return new Set(headings.map(([, heading = '']) => anchorOf(heading)))
}

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_\- ]/gu, '')
    .replaceAll(' ', '-')
}
