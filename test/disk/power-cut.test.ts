import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { commitFiles } from '#moult/disk/commit-files.js'
import { openOverlay } from '#moult/disk/overlay.js'
import { finishCommit, readCommits, redoCommit } from '#moult/disk/recover-commits.js'
import { removeRunFolder } from '#moult/disk/run-folder.js'
import { openStaging } from '#moult/disk/staging.js'
import { isMoultError } from '#moult/model/errors.js'
import { Crash, failAt } from './fault-disk.js'
import { claimOf, look, put, settleTimes } from './tree.js'

// EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: what was not made durable is lost, as when the power goes.
const cutPower = `
import fcntl, os, struct, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
fcntl.ioctl(fd, 0x8004587D, struct.pack('I', 2))
`

const run = (program: string, ...args: string[]): void => void execFileSync(program, args, { stdio: 'pipe' })

async function commit(root: string): Promise<void> {
  const runFolder = join(root, '.moult/run')
  const staging = await openStaging({ root, runFolder, store: 's', base: 's' })
  const overlay = openOverlay({ root, claim: claimOf('s'), staging })
  overlay.write('a', Buffer.from('new a'))
  await overlay.move('m', 'b')
  overlay.write('m', Buffer.from('new m'))
  await overlay.move('d', 'e/f')
  await overlay.remove('gone')
  overlay.writeMarker(Buffer.from('2'))
  const decide = async (): Promise<'committed'> => 'committed'
  await commitFiles({ root, runFolder, number: 0, overlays: [overlay], decider: null, decide, fence: () => {} })
}

async function recover(root: string): Promise<void> {
  const runFolder = join(root, '.moult/run')
  if (!fs.existsSync(runFolder)) return
  for (const found of readCommits(runFolder)) {
    if (found.isDone) continue
    if (found.isDecided) await finishCommit(root, runFolder, found)
    else await redoCommit(root, runFolder, found)
  }
  await removeRunFolder(root, [])
}

test('[G1] [P23] a power cut at any operation, and one right after the commit, leaves the old tree or the new one', async (t) => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'moult-power-'))
  const image = join(folder, 'image')
  const root = join(folder, 'mount')
  const python = ['/usr/bin/python3', '/usr/local/bin/python3'].find((path) => fs.existsSync(path))
  fs.mkdirSync(root)
  let isMounted = false
  const mount = (): void => {
    run('mount', '-o', 'loop', image, root)
    isMounted = true
  }
  const unmount = (): void => {
    run('umount', root)
    isMounted = false
  }
  t.after(() => {
    if (isMounted) unmount()
    fs.rmSync(folder, { recursive: true, force: true })
  })
  try {
    if (python === undefined) throw new Error('no python3 for the shutdown ioctl')
    fs.writeFileSync(image, '')
    fs.truncateSync(image, 8_388_608)
    run('mkfs.ext4', '-q', '-F', image)
    mount()
  } catch (error) {
    t.skip(`cannot cut the power of a loop-mounted ext4: ${String(error)}`)
    return
  }
  const outcomes = new Set<string>()
  for (let at = 0; ; at += 1) {
    for (const name of fs.readdirSync(root)) fs.rmSync(join(root, name), { recursive: true })
    const store = join(root, 's')
    put(store, { '.schema-version': '1', a: 'old a', m: 'old m', 'd/x': 'old x', 'd/y/z': 'old z', gone: 'old gone' })
    fs.mkdirSync(join(root, '.moult/run'), { recursive: true })
    settleTimes(root)
    const old = look(store)
    run('sync', '-f', root)
    const cut = (): void => run(python, '-c', cutPower, root)
    const fault = failAt({ kind: 'crash', at, then: cut })
    try {
      await commit(root)
    } catch (error) {
      if (!(error instanceof Crash) && !isMoultError(error)) throw error
    } finally {
      fault.heal()
    }
    if (!fault.hit()) cut()
    unmount()
    mount()
    await recover(root)
    const isNew = fs.readFileSync(join(store, '.schema-version'), 'utf8') === '2'
    outcomes.add(isNew ? 'new' : 'old')
    const what = fault.hit() ? `power cut at ${at} (${fault.what()})` : 'power cut after the commit'
    if (isNew) {
      const contents = Object.entries(look(store, { times: false })).map(([path, text]) => `${path} ${text.slice(4)}`)
      const wanted = [
        '/ ',
        '.schema-version 2',
        'a new a',
        'b old m',
        'e/ ',
        'e/f/ ',
        'e/f/x old x',
        'e/f/y/ ',
        'e/f/y/z old z',
        'm new m',
      ]
      assert.deepEqual(contents, wanted, what)
    } else {
      assert.ok(fault.hit(), what)
      assert.deepEqual(look(store), old, what)
    }
    if (!fault.hit()) break
  }
  assert.deepEqual([...outcomes].sort(), ['new', 'old'])
})
