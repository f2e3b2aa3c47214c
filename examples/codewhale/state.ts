// ~/.codewhale: JSON records that carry their own version. `state.in(home).open()` sweeps them all at the start; code
// that loads one at a time has `Session.read(file)`, which refuses one damaged or newer file and not the other 49.
import { defineState, records } from 'moult'
import { registry } from './registry.js'

const [session] = registry.session
const [offlineQueue] = registry.offline_queue
const [thread, turn, item, event] = registry.runtime
const [task] = registry.task
const [automation] = registry.automation
const [automationRun] = registry.automation_run

const runtime = 'tasks/runtime'

// Documents that cannot be brought forward stay as they are and are named in every status: that is the default.
export const state = defineState({
  app: 'codewhale',
  appVersion: '0.9.0',
  stores: [
    records('session', { path: 'sessions', files: '*.json', record: session }),
    // A store of one file inside the directory of another: that one's pattern no longer means this file.
    records('offline_queue', { path: 'sessions/offline_queue.json', record: offlineQueue }),
    records('runtime.threads', { path: `${runtime}/threads`, files: '*.json', record: thread }),
    records('runtime.turns', { path: `${runtime}/turns`, files: '*.json', record: turn }),
    records('runtime.items', { path: `${runtime}/items`, files: '*.json', record: item }),
    records('runtime.events', { path: `${runtime}/events`, files: '*.jsonl', each: 'line', record: event }),
    records('task', { path: 'tasks/tasks', files: 'task_*.json', record: task }),
    records('automation', { path: 'automations/automations', files: '*.json', record: automation }),
    records('automation_run', { path: 'automations/runs', files: '**/*.json', record: automationRun }),
  ],
})
