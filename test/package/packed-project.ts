import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { checkout } from '../support/checkout.js'

export interface Manifest {
  readonly name: string
  readonly bin?: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, unknown>>
  readonly dependencies: Readonly<Record<string, string>>
}

export const manifest = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as Manifest

/** What users import: `moult`, `moult/cli` … */
export const entryPoints = Object.keys(manifest.exports)
  .filter((path) => !path.endsWith('.json'))
  .map((path) => `moult${path.slice(1)}`)

function run(command: string, args: readonly string[], folder: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' })
  assert.ok(error === undefined && status === 0, `${command} ${args.join(' ')}: ${error?.message ?? stdout + stderr}`)
  return stdout
}

/**
 * Another project, in which the packed moult is installed as npm would: the tarball's own files, and links to the
 * packages it depends on (nothing is fetched). Gone when the test is over.
 */
export class PackedProject {
  readonly path = mkdtempSync(join(tmpdir(), 'moult-packed-'))

  constructor(also: readonly string[] = []) {
    const moult = join(this.path, 'node_modules/moult')
    mkdirSync(moult, { recursive: true })
    run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', this.path], checkout)
    const tarball = readdirSync(this.path).find((name) => name.endsWith('.tgz'))
    assert.ok(tarball !== undefined)
    run('tar', ['-xzf', join(this.path, tarball), '-C', moult, '--strip-components=1'], this.path)
    for (const name of [...Object.keys(manifest.dependencies), 'better-sqlite3', ...also]) {
      const link = join(this.path, 'node_modules', name)
      mkdirSync(dirname(link), { recursive: true })
      const target = join(checkout, 'node_modules', name)
      if (existsSync(target)) symlinkSync(target, link)
    }
    this.write('package.json', '{ "private": true }')
  }

  write(name: string, text: string): string {
    const path = join(this.path, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    return path
  }

  /** What a script of the project prints. */
  run(name: string, ...args: readonly string[]): string {
    return run(process.execPath, [name, ...args], this.path)
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}
