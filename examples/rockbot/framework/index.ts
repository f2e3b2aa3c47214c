// What the package @rockbot/stores would export: the framework's stores and their steps, without a root. Whoever builds
// an agent on it adds stores of their own, and says where it all is.
import { defineState } from 'moult'
import { conversations } from './conversations.js'
import { feedback } from './feedback.js'
import { memory } from './memory.js'
import { skills } from './skills.js'
import { tasks } from './tasks.js'
import { toolCalls } from './tool-calls.js'
import { wisp } from './wisp.js'
import { workingMemory } from './working-memory.js'

export { memory } from './memory.js'
export { skills } from './skills.js'
export { tasks } from './tasks.js'

export const rockbot = defineState({
  app: 'rockbot',
  appVersion: '0.15.0',
  stores: [memory, skills, feedback, toolCalls, conversations, workingMemory, tasks, wisp],
  // Agents are rolled back now and then. An older one goes on with newer data, and leaves alone what it cannot read.
  onNewer: 'continue',
})
