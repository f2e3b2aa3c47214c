import { workerData } from 'node:worker_threads'
import { defineState, sqlite } from 'moult'

// A worker thread that looks at a state and ends: everything it opened is closed by Node
const index = sqlite('index', { path: 'index.db' }).step('create', { up: 'CREATE TABLE entry(id)' })
const state = defineState({ app: 'agent', stores: [index] }).in(workerData as string)
const held = await state.open()
const { stores } = await state.status()
if (stores[0]?.status !== 'current') throw new Error(`the worker sees ${stores[0]?.status}`)
await held.close()
