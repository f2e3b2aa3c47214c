import { currentState } from './current-state.js'
import { tellUsage } from './tell-usage.js'

const [variant, root] = process.argv.slice(2)
const { stores } = await currentState(variant!, root!).status()
if (stores.length !== 6 || stores.some(({ status }) => status !== 'current'))
  throw new Error('the state is not current')
tellUsage()
