import { dirname, join } from 'node:path'
import { disk } from './disk.js'
import { damaged } from './failures.js'
import { lstatIfAny } from './identity.js'
import { isStagingPath } from './relative-path.js'
import { removeTree } from './remove-tree.js'
import { keepTimes } from './staging.js'
import { syncDirectory } from './sync-directory.js'
import { checkNoSymlink } from './walk.js'

/**
 * Ends a run: from the rename of `.moult/run` to `.moult/run.done` on, durably, there is none. Then the contents go,
 * those of the staging folders elsewhere too. A crash between leaves folders that mean nothing: the next end of a run
 * deletes `run.done`, the next `openStaging` an old staging folder, and walks pass over both. The directories in which
 * staging folders stood keep their mtimes. Nothing to remove is fine. `stagingFolders` are relative to the root and may come from a journal: other
 * names than a staging folder's are `DAMAGED`. `fence` is asked before each folder that another run could have made.
 */
export async function removeRunFolder(
  root: string,
  stagingFolders: readonly string[],
  fence: () => void = () => {},
): Promise<void> {
  const runFolder = join(root, '.moult', 'run')
  for (const path of stagingFolders)
    if (!isStagingPath(path)) throw damaged(path, 'is no staging folder, and stands in a journal as one')
  const done = `${runFolder}.done`
  if (lstatIfAny(runFolder) !== null) {
    await removeTree(done)
    fence()
    disk.rename(runFolder, done)
    syncDirectory(dirname(runFolder))
  }
  for (const path of stagingFolders) {
    const folder = join(root, path)
    if (path.startsWith('.moult/') || lstatIfAny(folder) === null) continue
    checkNoSymlink(root, path)
    fence()
    const putTimesBack = keepTimes([dirname(folder)])
    await removeTree(folder)
    putTimesBack()
  }
  await removeTree(done)
}
