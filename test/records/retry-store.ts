import { records } from 'moult'
import { CountAt4 } from './shapes.js'

export const counts = records('counts', { path: 'counts', files: '*.json', record: CountAt4 })
