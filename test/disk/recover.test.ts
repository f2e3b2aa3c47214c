import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { commitFiles } from '#moult/disk/commit-files.js'
import { openOverlay } from '#moult/disk/overlay.js'
import { finishCommit, readCommits, redoCommit, reverseCommit, type FoundCommit } from '#moult/disk/recover-commits.js'
import { removeRunFolder } from '#moult/disk/run-folder.js'
import { openStaging } from '#moult/disk/staging.js'
import { Crash, failAt } from './fault-disk.js'
import { claimOf, look, makeRoot, put, settleTimes } from './tree.js'

interface Interrupted {
  readonly root: string
  readonly store: string
  readonly runFolder: string
  readonly staging: string
  commit(): FoundCommit
}

/** A commit that stopped before its decision (its decider never answers), or in the middle of phase two. */
async function interrupt(t: TestContext, stop: 'undecided' | 'phase two'): Promise<Interrupted> {
  const root = makeRoot(t)
  const runFolder = join(root, '.moult/run')
  const store = join(root, 's')
  fs.mkdirSync(runFolder, { recursive: true })
  put(store, { a: 'a', m: 'old m', 'd/x': 'x' })
  settleTimes(root)
  const staging = await openStaging({ root, runFolder, store: 's', base: 's' })
  const overlay = openOverlay({ root, claim: claimOf('s'), staging })
  overlay.write('a', Buffer.from('new a'))
  await overlay.move('m', 'b')
  overlay.write('m', Buffer.from('new m'))
  await overlay.remove('d')
  overlay.writeMarker(Buffer.from('2'))
  const crash = { heal: () => {} }
  const decider = stop === 'undecided' ? { store: 'db', path: 'db', commitId: '1' } : null
  const decide = async (): Promise<'committed'> => {
    throw new Error('no answer')
  }
  let fences = 0
  const fence = (): void => {
    fences += 1
    // After the third fence, the one before the decision: open, write, fsync of `decided`, then the renames of phase two.
    if (stop === 'phase two' && fences === 3) crash.heal = failAt({ kind: 'crash', at: 4 }).heal
  }
  await assert.rejects(commitFiles({ root, runFolder, number: 0, overlays: [overlay], decider, decide, fence }), {
    code: 'UNFINISHED',
  })
  crash.heal()
  const commit = (): FoundCommit => {
    const found = readCommits(runFolder)[0]
    assert.ok(found)
    return found
  }
  return { root, store, runFolder, staging: staging.folder, commit }
}

test('[P4] staged content that is wrong or gone stops recovery as damaged, and everything is kept', async (t) => {
  const harms: Record<string, (place: Interrupted) => void> = {
    'wrong bytes': ({ staging }) => {
      for (const name of fs.readdirSync(join(staging, 'in'))) fs.writeFileSync(join(staging, 'in', name), 'garbage')
    },
    'staged content gone': ({ staging }) => {
      for (const name of fs.readdirSync(join(staging, 'in'))) fs.rmSync(join(staging, 'in', name))
    },
    'moved file gone': ({ staging, store }) => {
      fs.rmSync(join(store, 'm'))
      for (const name of fs.readdirSync(join(staging, 'out'))) fs.rmSync(join(staging, 'out', name))
    },
    'torn journal': ({ runFolder }) => fs.truncateSync(join(runFolder, 'commit-0.jsonl'), 300),
  }
  for (const [what, harm] of Object.entries(harms)) {
    const place = await interrupt(t, 'phase two')
    assert.equal(place.commit().isDecided, true)
    harm(place)
    const before = look(place.root)
    const commit = place.commit()
    await assert.rejects(finishCommit(place.root, place.runFolder, commit), { code: 'DAMAGED' }, what)
    assert.deepEqual(look(place.root), before, what)
  }
})

test('[P4] a decided commit whose links out were forgotten is repeated from what is at home', async (t) => {
  const place = await interrupt(t, 'phase two')
  for (const name of fs.readdirSync(join(place.staging, 'out'))) {
    const path = join(place.staging, 'out', name)
    if (fs.readFileSync(path, 'utf8') === 'old m') fs.rmSync(path)
  }
  await finishCommit(place.root, place.runFolder, place.commit())
  const seen = look(place.store, { times: false })
  assert.deepEqual(seen, { '/': '755', '.schema-version': '644 2', a: '644 new a', b: '644 old m', m: '644 new m' })
})

test('[P5] an undecided commit goes back with bytes, modes and mtimes, and is damaged if a file is nowhere', async (t) => {
  const place = await interrupt(t, 'undecided')
  await reverseCommit(place.root, place.runFolder, place.commit())
  assert.equal(fs.readFileSync(join(place.store, 'm'), 'utf8'), 'old m')
  assert.deepEqual(readCommits(place.runFolder), [])
  const other = await interrupt(t, 'undecided')
  fs.rmSync(join(other.staging, 'out'), { recursive: true })
  fs.mkdirSync(join(other.staging, 'out'))
  await assert.rejects(reverseCommit(other.root, other.runFolder, other.commit()), { code: 'DAMAGED' })
  assert.ok(fs.existsSync(join(other.runFolder, 'commit-0.jsonl')))
})

test('[P5] what the decider committed goes forward even if somebody changed a file meanwhile', async (t) => {
  const place = await interrupt(t, 'undecided')
  fs.writeFileSync(join(place.store, 'a'), 'theirs')
  assert.equal(await redoCommit(place.root, place.runFolder, place.commit()), 'done')
  assert.equal(fs.readFileSync(join(place.store, 'a'), 'utf8'), 'new a')
  assert.equal(fs.readFileSync(join(place.store, 'b'), 'utf8'), 'old m')
  assert.equal(place.commit().isDone, true)
})

test('[P16] an undecided commit without a decider goes back if an app changed a file after the crash', async (t) => {
  const place = await interrupt(t, 'undecided')
  rewriteJournal(place, (lines) => [{ ...lines[0], decider: null }, ...lines.slice(1)])
  fs.writeFileSync(join(place.store, 'a'), 'theirs')
  assert.equal(await redoCommit(place.root, place.runFolder, place.commit()), 'reversed')
  const seen = look(place.store, { times: false })
  assert.deepEqual(seen, { '/': '755', a: '644 theirs', 'd/': '755', 'd/x': '644 x', m: '644 old m' })
})

test('[P16] what is written between a crash in phase two and the next start is kept beside the new content', async (t) => {
  const place = await interrupt(t, 'phase two')
  const paths = ['a', 'm', 'b', '.schema-version']
  const read = (path: string): string => fs.readFileSync(join(place.store, path), 'utf8')
  const isNew = (path: string): boolean => path === 'a' && read('a') === 'new a'
  const came = paths.filter(isNew)
  assert.deepEqual(came, ['a'], 'the crash came between the first file and the others')
  for (const path of paths) {
    // An editor that saves by renaming, and one that writes into the file
    if (path !== 'm') fs.rmSync(join(place.store, path), { force: true })
    fs.writeFileSync(join(place.store, path), `theirs ${path}`)
  }
  await finishCommit(place.root, place.runFolder, place.commit())
  assert.deepEqual(look(place.store, { times: false }), {
    '/': '755',
    '..schema-version.1.moult-kept': '644 theirs .schema-version',
    '.b.1.moult-kept': '644 theirs b',
    '.schema-version': '644 2',
    a: '644 theirs a',
    // m itself moves to b, with what was written into it
    b: '644 theirs m',
    m: '644 new m',
  })
})

test('[P14] a directory that somebody removed between a crash in phase two and the next start is made again', async (t) => {
  const place = await interrupt(t, 'undecided')
  fs.rmSync(place.store, { recursive: true })
  assert.equal(await redoCommit(place.root, place.runFolder, place.commit()), 'done')
  const seen = look(place.store, { times: false })
  assert.deepEqual(seen, { '/': '755', '.schema-version': '644 2', a: '644 new a', b: '644 old m', m: '644 new m' })
})

test('[P16] what is kept has a free name that fits, whatever stands in the way', async (t) => {
  const root = makeRoot(t)
  const runFolder = join(root, '.moult/run')
  fs.mkdirSync(runFolder, { recursive: true })
  const long = 'x'.repeat(255)
  put(join(root, 's'), { [long]: 'old', '.a.1.moult-kept': 'of another time' })
  const staging = await openStaging({ root, runFolder, store: 's', base: 's' })
  const overlay = openOverlay({ root, claim: claimOf('s'), staging })
  overlay.write(long, Buffer.from('new'))
  overlay.write('a', Buffer.from('new a'))
  const told: string[][] = []
  const decide = async (): Promise<'committed'> => {
    fs.writeFileSync(join(root, 's', long), 'theirs')
    fs.mkdirSync(join(root, 's/a'))
    fs.writeFileSync(join(root, 's/a/b'), 'below')
    return 'committed'
  }
  const decider = { store: 'db', path: 'db', commitId: '1' }
  const onKept = (path: string, kept: string): void => void told.push([path, kept])
  await commitFiles({ root, runFolder, number: 0, overlays: [overlay], decider, decide, fence: () => {}, onKept })
  assert.deepEqual(told.toSorted(), [
    ['s/a', 's/.a.2.moult-kept'],
    [`s/${long}`, 's/.1.moult-kept'],
  ])
  assert.deepEqual(look(join(root, 's'), { times: false }), {
    '/': '755',
    '.1.moult-kept': '644 theirs',
    '.a.1.moult-kept': '644 of another time',
    '.a.2.moult-kept/': '755',
    '.a.2.moult-kept/b': '644 below',
    [long]: '644 new',
    a: '644 new a',
  })
})

type Line = Record<string, unknown>

/** Changes a journal as somebody would who knows the format. */
function rewriteJournal({ runFolder }: Pick<Interrupted, 'runFolder'>, change: (lines: Line[]) => Line[]): void {
  const path = join(runFolder, 'commit-0.jsonl')
  const lines = fs
    .readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
  const end = lines.findIndex((line) => line['is'] === 'end')
  const text = change(lines.slice(0, end))
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('')
  const sha256 = createHash('sha256').update(text).digest('hex')
  const rest = lines
    .slice(end + 1)
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('')
  fs.writeFileSync(path, `${text}${JSON.stringify({ is: 'end', sha256 })}\n${rest}`)
}

test("[P18] a hostile journal writes nothing and deletes nothing outside the root, nor in moult's own folders", async (t) => {
  const outside = makeRoot(t)
  put(outside, { victim: 'safe' })
  const paths = [
    '../victim',
    '/etc/passwd',
    'a/../../victim',
    '.moult/backups/x',
    's/.moult/x',
    '',
    's//a',
    's/\0',
    './a',
  ]
  const kinds = ['out', 'in', 'made', 'removed']
  for (const stop of ['undecided', 'phase two'] as const) {
    for (const kind of kinds) {
      for (const path of paths) {
        const place = await interrupt(t, stop)
        rewriteJournal(place, (lines) => {
          assert.ok(kind === 'made' || lines.some((line) => line['is'] === kind))
          if (kind === 'made') return [...lines, { is: 'made', path, mode: null, uid: 0, gid: 0 }]
          return lines.map((line) => (line['is'] === kind ? { ...line, path } : line))
        })
        assert.equal(place.commit().intent, null, `${kind} ${path}`)
        await refuseAll(place)
      }
    }
    for (const staging of ['../x', '/tmp', 's', '.moult', '.moult/../s', 's/x']) {
      const place = await interrupt(t, stop)
      rewriteJournal(place, (lines) => [{ ...lines[0], stagings: [staging] }, ...lines.slice(1)])
      assert.equal(place.commit().intent, null, staging)
      await refuseAll(place)
    }
    const place = await interrupt(t, stop)
    fs.symlinkSync(outside, join(place.store, 'link'))
    rewriteJournal(place, (lines) =>
      lines.map((line) => (line['is'] === 'out' ? { ...line, path: 's/link/victim' } : line)),
    )
    assert.notEqual(place.commit().intent, null)
    await refuseAll(place)
  }
  assert.equal(fs.readFileSync(join(outside, 'victim'), 'utf8'), 'safe')
})

async function refuseAll(place: Interrupted): Promise<void> {
  const before = look(place.root)
  for (const recover of [finishCommit, redoCommit, reverseCommit]) {
    await assert.rejects(recover(place.root, place.runFolder, place.commit()), { code: 'DAMAGED' })
  }
  assert.deepEqual(look(place.root), before)
}

test('[P18] a journal in an unknown format is refused by its name', async (t) => {
  const place = await interrupt(t, 'undecided')
  rewriteJournal(place, (lines) => [{ ...lines[0], format: 2 }, ...lines.slice(1)])
  assert.throws(() => place.commit(), { code: 'FORMAT_UNKNOWN' })
})

test('[P18] the end of a run can crash anywhere: afterwards the run folder is whole or gone, and the next end cleans up', async (t) => {
  for (let at = 0; ; at += 1) {
    const root = makeRoot(t)
    put(root, {
      '.moult/run/run.json': '{}',
      '.moult/run/s/out/0': 'x',
      's/.moult-run/in/1': 'y',
      's/a': 'a',
      '.s.moult-run/in/2': 'z',
    })
    settleTimes(root)
    const before = look(root)
    const stagings = ['.moult/run/s', 's/.moult-run', '.s.moult-run']
    const crash = failAt({ kind: 'crash', at })
    try {
      await removeRunFolder(root, stagings)
    } catch (error) {
      if (!(error instanceof Crash)) throw error
    } finally {
      crash.heal()
    }
    if (fs.existsSync(join(root, '.moult/run')))
      assert.equal(fs.readFileSync(join(root, '.moult/run/run.json'), 'utf8'), '{}')
    await removeRunFolder(root, stagings)
    assert.deepEqual(fs.readdirSync(join(root, '.moult')), [])
    assert.deepEqual(fs.readdirSync(root).sort(), ['.moult', 's'])
    if (!crash.hit()) {
      assert.deepEqual(look(root), before)
      break
    }
  }
  const root = makeRoot(t)
  put(root, { 's/a': 'a' })
  for (const path of ['s', '../x', '.moult', '/etc'])
    await assert.rejects(removeRunFolder(root, [path]), { code: 'DAMAGED' })
  assert.ok(fs.existsSync(join(root, 's/a')))
})
