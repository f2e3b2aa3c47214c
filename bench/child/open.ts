import { currentState } from './current-state.js'
import { tellUsage } from './tell-usage.js'

const [variant, root] = process.argv.slice(2)
const held = await currentState(variant!, root!).open()
if (held.report.outcome !== 'up-to-date' || !held.report.locked)
  throw new Error('the state is not current, or not held')
await held.close()
tellUsage()
