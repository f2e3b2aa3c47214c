export { expectedContent, readContent } from './expected.js'
export { makeOldState } from './old-state.js'
export { state } from './state.js'
