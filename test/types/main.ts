import state, { index } from './example.js'

const held = await state.open({
  onEvent: (e) => {
    if (e.type === 'waiting') console.error(`waiting for ${e.holder}`)
  },
})
try {
  held.report.outcome // 'up-to-date' | 'upgraded' | …
  held.path(index) // where this store is
} finally {
  await held.close() // or: await using held = …
}
