export { state as default } from './state.js'
