import { backupState } from './backup-state.js'
import { tellSample } from './tell-sample.js'

// `backup-moult.js create|restore ROOT`
const [what, root] = process.argv.slice(2)
const { backups } = backupState(root!)

await tellSample(async () => {
  if (what === 'create') await backups.create()
  else await backups.restore((await backups.list())[0]!.id)
})
