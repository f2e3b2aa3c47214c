import { tellUsage } from './tell-usage.js'

tellUsage()
