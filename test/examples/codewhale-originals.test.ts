import assert from 'node:assert/strict'
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { leftSessions } from '../../examples/codewhale/old-state.js'
import { Session } from '../../examples/codewhale/session.js'
import { state } from '../../examples/codewhale/state.js'
import { examples } from '../../examples/index.js'
import { oldRoots } from './old-roots.js'

const roots = oldRoots(examples.find(({ name }) => name === 'codewhale')!)
const names = readdirSync(join(roots.old, 'sessions')).filter((name) => /^[0-9a-f-]{36}\.json$/.test(name))
const textOf = (root: string, path: string): string => readFileSync(join(root, path), 'utf8')

test('[C5] loading every old session with write-back keeps each original, whatever later releases do, and a listing does not see them', async (t) => {
  const root = roots.copy(t)
  const old = names.filter((name) => !(name in leftSessions))
  const Next = Session.version(3, z.looseObject({}), { up: (session) => ({ ...session, archived: false }) })
  const wasOld = new Map<string, string>()
  for (const release of [Session, Next])
    for (const name of old) {
      const { changed } = await release.read(join(root, 'sessions', name), { writeBack: true })
      if (changed && !wasOld.has(name)) wasOld.set(name, textOf(roots.old, `sessions/${name}`))
    }
  assert.equal(wasOld.size, old.length)
  for (const [name, text] of wasOld) {
    const kept = `sessions/.${name}.moult-bak`
    assert.equal(textOf(root, kept), text, name)
    assert.equal(lstatSync(join(root, kept)).mode, lstatSync(join(roots.old, 'sessions', name)).mode, name)
  }
  const listed = readdirSync(join(root, 'sessions')).filter((name) => name.endsWith('.json'))
  assert.deepEqual(
    listed,
    readdirSync(join(roots.old, 'sessions')).filter((name) => name.endsWith('.json')),
  )
  const { unclaimed } = await state.in(root).status({ unclaimed: true })
  assert.deepEqual(
    unclaimed?.filter((path) => path.includes('moult-bak')),
    [],
  )
})
