import { record } from 'moult'
import { z } from 'zod'
import { Session } from './session.js'

const version = { versionKey: 'schema_version', unversioned: 1 } as const

const Queue = z.object({ messages: z.array(z.object({ display: z.string() })) })
const OfflineQueue = record('offline_queue', version).version(1, Queue)

const Thread1 = z.object({ id: z.string(), model: z.string(), archived: z.boolean().optional() })
const Thread2 = z.object({ id: z.string(), model: z.string(), archived: z.boolean() })
const Thread = record('runtime.thread', version)
  .version(1, Thread1)
  .version(2, Thread2, {
    up: (thread) => ({ ...thread, archived: thread.archived ?? false }),
    down: (thread) => thread,
  })

const Turn = record('runtime.turn', version).version(1, z.object({ id: z.string(), thread_id: z.string() }))
const Item = record('runtime.item', version).version(1, z.object({ id: z.string(), turn_id: z.string() }))
const Event = record('runtime.event', version).version(1, z.object({ seq: z.number(), event: z.string() }))

const Task1 = z.object({ id: z.string(), status: z.string() })
const Task2 = z.object({ id: z.string(), status: z.string(), gates: z.array(z.string()) })
// Tasks have had a version from the first day: one without it is damaged, and nobody guesses what it was.
const Task = record('task', { versionKey: 'schema_version', unversioned: 'refuse' })
  .version(1, Task1)
  .version(2, Task2, { additive: true, up: (task) => ({ ...task, gates: [] }) })

const Automation = record('automation', version).version(1, z.object({ id: z.string(), rrule: z.string() }))
const AutomationRun = record('automation_run', version).version(1, z.object({ id: z.string() }))

/** Every domain that persists something, each with its version and its steps, whether it has had one or not. */
export const registry = {
  session: [Session],
  offline_queue: [OfflineQueue],
  runtime: [Thread, Turn, Item, Event],
  task: [Task],
  automation: [Automation],
  automation_run: [AutomationRun],
} as const
