import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { disk } from '../disk/disk.js'
import { diskFailure } from '../disk/failures.js'
import { lstatIfAny } from '../disk/identity.js'
import { unpin } from '../disk/pin.js'
import { removeTree } from '../disk/remove-tree.js'
import { keepTimes } from '../disk/staging.js'
import { listDirectory, walkClaim } from '../disk/walk.js'
import { requireSpace } from '../disk/free-space.js'
import { holdUse, holdWork } from '../drivers/lock.js'
import type { SharedHold } from '../drivers/lock.js'
import { databaseBytes } from '../engine/database-bytes.js'
import { exists, setScene } from '../engine/places.js'
import type { Scene } from '../engine/places.js'
import { explain } from '../engine/explain.js'
import type { ResolvedRun } from '../engine/resolved-run.js'
import { isMoultError, MoultFailure } from '../model/errors.js'
import type { Rehearsal, RunReport, StoreChanges } from '../model/report.js'
import type { Place } from '../model/store.js'
import { workOf } from './backup-for-run.js'
import { copyHistory, copyState } from './copy-state.js'
import type { CopiedDatabase } from './copy-state.js'
import { hashFile } from '../disk/hash-file.js'

/** A run on a scene; handed in, because it is what makes the backups of a run. */
type MakeRun = (scene: Scene, run: ResolvedRun) => Promise<RunReport>

/**
 * The run itself, on a copy: the same code, the same steps, real data and real numbers, beside the programs that use the
 * state. Afterwards every path but `.moult` has the bytes, mode and mtime it had (G7). Fails as the run would, with the
 * same error. A crash leaves a folder in `.moult/dry-run`, which the next one removes, or in the system's folder for
 * temporary files.
 *
 * @param scratch where to copy to; default `.moult/dry-run`, or the system's folder where that cannot be written
 */
export async function rehearseRun(
  scene: Scene,
  run: ResolvedRun,
  scratch: string | null,
  makeRun: MakeRun,
): Promise<RunReport> {
  const putTimesBack = keepTimes([scene.root])
  const { hold, parent } = await holdFor(scene, run, scratch)
  let copy: Scene | null = null
  const folder = join(parent, `moult-dry-run-${randomBytes(6).toString('hex')}`)
  try {
    if (exists(scene.runFolder)) throw unfinished(scene)
    // Databases are copied twice: to run on, and to compare with
    requireSpace(parent, {
      what: `A dry run of ${scene.root}`,
      bytes: 2 * databaseBytes(scene.places),
      hint: 'Or say another folder: scratch, --scratch.',
    })
    disk.mkdir(folder, 0o700)
    const work = workOf(scene, run)
    disk.mkdir(join(folder, 'state'), 0o700)
    const databases = await copyState(work, folder)
    await copyHistory(scene, folder, run.signal)
    const files = await listAll(scene, run)
    const there = (copy = setScene({ ...scene.spec, root: join(folder, 'state') }, scene.accepts))
    const home = (text: string): string => text.replaceAll(there.root, scene.root)
    try {
      const report = await makeRun(there, { ...run, backup: 'none', dryRun: true })
      const rehearsal = await compare(there, run, databases, files, bytesIn(folder))
      return { ...report, root: scene.root, dryRun: true, rehearsal }
    } catch (error) {
      if (!isMoultError(error)) throw error
      error.message = home(error.message)
      Object.assign(error, { hint: home(error.hint) })
      if (error.report) error.report = { ...error.report, root: scene.root, dryRun: true }
      throw error
    }
  } catch (error) {
    throw explain(diskFailure(error, 'The dry run'), run.signal)
  } finally {
    for (const { path } of copy?.places ?? []) unpin(path)
    await removeTree(folder).catch(() => undefined)
    hold.release()
    putTimesBack()
  }
}

/** Beside the app, never beside a run; where `.moult` can be written, one such copy at a time. */
async function holdFor(
  scene: Scene,
  run: ResolvedRun,
  scratch: string | null,
): Promise<{ hold: SharedHold; parent: string }> {
  const waiting = { waitMs: run.waitMs, signal: run.signal }
  const own = join(scene.home, 'dry-run')
  if (scratch === null && exists(scene.home) && makeFolder(own)) {
    const hold = await holdWork(scene.root, waiting)
    for (const { name } of listDirectory(own)) await removeTree(join(own, name))
    return { hold, parent: own }
  }
  const hold = await holdUse(scene.root, { ...waiting, readOnly: true })
  return { hold, parent: scratch ?? tmpdir() }
}

/** Whether it is there and can be written. */
function makeFolder(path: string): boolean {
  const probe = join(path, `probe-${randomBytes(4).toString('hex')}`)
  try {
    if (!exists(path)) disk.mkdir(path, 0o700)
    disk.mkdir(probe)
    disk.rmdir(probe)
    return true
  } catch {
    return false
  }
}

function unfinished(scene: Scene): MoultFailure<'UNFINISHED'> {
  return new MoultFailure('UNFINISHED', {
    message: `A run was cut off in ${scene.root}; what it left has to be finished or undone before another can be rehearsed. Nothing was changed.`,
    hint: 'Start the app, run the upgrade, or make a backup: each of them does that first.',
    details: { path: scene.runFolder },
  })
}

type Files = ReadonlyMap<string, ReadonlyMap<string, string>>

/** Digests of all files, store by store, to say afterwards which have changed. */
async function listAll(scene: Scene, run: ResolvedRun): Promise<Files> {
  const stores = new Map<string, ReadonlyMap<string, string>>()
  for (const place of scene.places)
    if (place.spec.extent.is !== 'database') stores.set(place.spec.name, await listStore(place, run))
  return stores
}

async function listStore({ root, claim }: Place, run: ResolvedRun): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  for (const { path, kind } of await walkClaim(root, claim, run.signal))
    if (kind === 'file') files.set(path, (await hashFile(join(root, claim.base, path), run.signal)).sha256)
  return files
}

async function compare(
  copy: Scene,
  run: ResolvedRun,
  databases: readonly CopiedDatabase[],
  files: Files,
  bytes: number,
): Promise<Rehearsal> {
  const code = await run.databases()
  const stores: StoreChanges[] = []
  for (const place of copy.places) {
    const store = place.spec.name
    const database = databases.find((each) => each.store === store)
    const isThere = database !== undefined && lstatIfAny(database.after) !== null
    if (isThere) {
      const { tables, schema } = await code.compare(database.before, database.after, run.driver)
      stores.push({ store, tables, schema, files: null })
    } else if (database === undefined) {
      const changes = compareFiles(files.get(store) ?? new Map(), await listStore(place, run))
      stores.push({ store, tables: null, schema: null, files: changes })
    }
  }
  return { bytes, stores }
}

const mostExamples = 5

function compareFiles(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): NonNullable<StoreChanges['files']> {
  const some = (paths: readonly string[]): { count: number; examples: readonly string[] } => ({
    count: paths.length,
    examples: paths.slice(0, mostExamples),
  })
  const paths = [...after.keys()]
  return {
    added: some(paths.filter((path) => !before.has(path))),
    removed: some([...before.keys()].filter((path) => !after.has(path))),
    changed: some(paths.filter((path) => before.has(path) && before.get(path) !== after.get(path))),
  }
}

function bytesIn(folder: string): number {
  return listDirectory(folder).reduce((sum, entry) => {
    const path = join(folder, entry.name)
    return sum + (entry.isDirectory() ? bytesIn(path) : Number(lstatIfAny(path)?.size ?? 0))
  }, 0)
}
