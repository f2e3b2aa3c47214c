import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Claim } from '#moult/model/claim.js'

/** Everything a reader can see of a tree, path by path; moult's own folders left out. */
export function look(root: string, options: { readonly times: boolean } = { times: true }): Record<string, string> {
  const seen: Record<string, string> = {}
  const visit = (path: string): void => {
    const at = join(root, path)
    const stats = fs.lstatSync(at, { bigint: true })
    const time = options.times ? ` ${stats.mtimeNs}` : ''
    const mode = (Number(stats.mode) & 0o7777).toString(8)
    if (stats.isSymbolicLink()) {
      seen[path] = `-> ${fs.readlinkSync(at)}`
      return
    }
    if (!stats.isDirectory()) {
      seen[path] = `${mode}${time} ${fs.readFileSync(at, 'latin1')}`
      return
    }
    seen[`${path}/`] = `${mode}${time}`
    for (const name of fs.readdirSync(at).sort()) {
      if (name !== '.moult' && !name.endsWith('.moult-run')) visit(path === '' ? name : `${path}/${name}`)
    }
  }
  visit('')
  return seen
}

/** Memory where there is one: crashes here are of the program, not of the power. */
const fastFolder = fs.existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** Whole seconds: Node sets times through a double, which keeps those exactly. */
let clock = 1_600_000_000

export function put(root: string, files: Readonly<Record<string, string>>, mode = 0o644): void {
  for (const [path, text] of Object.entries(files)) {
    fs.mkdirSync(dirname(join(root, path)), { recursive: true })
    fs.writeFileSync(join(root, path), text, { mode })
    fs.utimesSync(join(root, path), clock, (clock += 1))
  }
}

/** Gives every directory a time of its own, innermost first. */
export function settleTimes(root: string): void {
  for (const entry of fs.readdirSync(root, { withFileTypes: true })) {
    if (entry.isDirectory()) settleTimes(join(root, entry.name))
  }
  fs.utimesSync(root, clock, (clock += 1))
}

export function makeRoot(t?: Pick<TestContext, 'after'>): string {
  const root = fs.realpathSync(fs.mkdtempSync(join(fastFolder, 'moult-disk-')))
  t?.after(() => fs.rmSync(root, { recursive: true, force: true }))
  return root
}

export function claimOf(base: string, more: Partial<Claim> = {}): Claim {
  return { base, files: ['**'], ignore: [], derived: [], others: [], marker: '.schema-version', ...more }
}
