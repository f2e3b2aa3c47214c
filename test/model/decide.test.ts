import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { directory, record, records, sqlite, track } from 'moult'
import { mainLane } from '#moult/model/verdict.js'
import { z } from 'zod'
import { judge } from './scene.js'

const notes = directory('notes', { path: 'notes' })
  .step('by-year', { up() {} })
  .step('titles', { up() {} })
const index = sqlite('index', { path: 'index.db' })
  .step('create', { up: 'CREATE TABLE a(x)' })
  .step('more', { up: 'CREATE TABLE b(x)' })

describe('the status of a store', () => {
  it('[G8] no marker and no data is fresh', () => {
    const verdict = judge(notes)
    assert.equal(verdict.status, 'fresh')
    assert.equal(verdict.refusal, null)
  })

  it('[R5] data without a marker is legacy, and refused unless the program says what it is', () => {
    const refused = judge(notes, { found: { is: 'data' } })
    assert.equal(refused.status, 'legacy')
    assert.equal(refused.refusal?.code, 'STORE_LEGACY')
    const adopted = judge(notes.adopt('oldest'), { found: { is: 'data' } })
    assert.equal(adopted.status, 'legacy')
    assert.equal(adopted.refusal, null)
  })

  it('[G8] data of a store that once had a marker is unreadable, not legacy', () => {
    const verdict = judge(notes.adopt('oldest'), { found: { is: 'data' }, hadMarker: true })
    assert.equal(verdict.status, 'unreadable')
    assert.equal(verdict.refusal?.code, 'MARKER_LOST')
  })

  it('[G8] a store that was here and is gone is missing, not fresh', () => {
    const verdict = judge(notes, { found: { is: 'nothing', exists: false }, hadMarker: true })
    assert.equal(verdict.status, 'unreadable')
    assert.equal(verdict.refusal?.code, 'STORE_MISSING')
    assert.match(verdict.refusal?.hint ?? '', /empty directory/)
  })

  it('[R5] an emptied store whose directory is still there is fresh again', () => {
    assert.equal(judge(notes, { found: { is: 'nothing', exists: true }, hadMarker: true }).status, 'fresh')
  })

  it('[R3] a marker that is a prefix of our steps is behind', () => {
    const verdict = judge(notes, { applied: ['by-year'] })
    assert.equal(verdict.status, 'behind')
    assert.equal(mainLane(verdict).version, 1)
  })

  it('[K3] a marker that equals our steps is current', () => {
    assert.equal(judge(notes, { applied: ['by-year', 'titles'] }).status, 'current')
  })

  it('[G6] newer data is refused when a step that is not additive lies above what we know', () => {
    const verdict = judge(notes, { applied: ['by-year', 'titles', 'tags'] })
    assert.equal(verdict.status, 'newer')
    assert.equal(verdict.refusal?.code, 'STORE_NEWER')
    assert.deepEqual(verdict.refusal?.details, { store: 'notes', version: 3, floor: 3, head: 2, writtenBy: '2.6.0' })
    assert.match(verdict.refusal?.message ?? '', /agent 2\.6\.0.*agent 2\.4\.0, which knows 2.*at least version 3/)
  })

  it('[R4] newer data is used when everything above what we know is additive, or when the policy says so', () => {
    const additive = judge(notes, { applied: ['by-year', 'titles', '!tags'] })
    assert.equal(additive.status, 'newer')
    assert.equal(additive.refusal, null)
    assert.equal(judge(notes, { applied: ['by-year', 'titles', 'tags'], onNewer: 'continue' }).refusal, null)
    assert.equal(
      judge(notes, { applied: ['by-year', 'titles', '!tags'], onNewer: 'refuse' }).refusal?.code,
      'STORE_NEWER',
    )
  })

  it('[W2] a marker that ends inside of a squash is too old, and names the last version that could upgrade it', () => {
    const squashed = sqlite('objects', { path: 'o.db' }).flat('CREATE TABLE o(x)', {
      replaces: ['a', 'b', 'c'],
      lastIn: '1.9',
    })
    const verdict = judge(squashed, { applied: ['a'] })
    assert.equal(verdict.status, 'too-old')
    assert.equal(verdict.refusal?.code, 'STORE_TOO_OLD')
    assert.match(verdict.refusal?.hint ?? '', /1\.9/)
    assert.equal(judge(squashed, { applied: ['a', 'b', 'c'] }).status, 'current')
  })

  it('[W5] two branches that both took the same place are told apart by name', () => {
    const verdict = judge(notes, { applied: ['by-year', 'colours'] })
    assert.equal(verdict.status, 'diverged')
    assert.deepEqual(verdict.refusal?.details, { store: 'notes', at: 2, ours: 'titles', theirs: 'colours' })
    assert.match(verdict.refusal?.message ?? '', /agree up to version 1/)
  })

  it('[A5] a step that was edited after it ran is noticed; without a checksum on one side the name alone counts', () => {
    const verdict = judge(index, { applied: ['create'], checksums: { create: 'digest of CREATE TABLE a(y)' } })
    assert.equal(verdict.status, 'edited')
    assert.deepEqual(verdict.refusal?.details, { store: 'index', step: 'index/create' })
    assert.equal(
      judge(index, { applied: ['create'], checksums: { create: 'digest of CREATE TABLE a(x)' } }).status,
      'behind',
    )
    assert.equal(judge(index, { applied: ['create'] }).status, 'behind')
  })

  it('[G8] an unreadable marker is neither legacy nor fresh', () => {
    const verdict = judge(notes.adopt('oldest'), {
      found: { is: 'unreadable', code: 'MARKER_UNREADABLE', reason: 'it is empty', hint: 'mend it' },
    })
    assert.equal(verdict.status, 'unreadable')
    assert.equal(verdict.refusal?.code, 'MARKER_UNREADABLE')
    assert.equal(verdict.refusal?.hint, 'mend it')
  })

  it('[G8] a store that never stands still cannot be examined', () => {
    assert.equal(judge(index, { found: { is: 'busy' } }).refusal?.code, 'IN_USE')
  })

  it('[R2] each track is decided by itself, and a track nobody defines is kept', () => {
    const acme = track('acme', notes).step('tags', { up() {} })
    const behind = judge(notes, { applied: ['by-year', 'titles'], tracks: [acme['~lane']] })
    assert.equal(behind.status, 'behind')
    assert.deepEqual(
      behind.lanes.map((lane) => lane.status),
      ['current', 'behind'],
    )
    const detached = judge(notes, { applied: ['by-year', 'titles'], trackApplied: { other: ['x'] } })
    assert.equal(detached.status, 'current')
    assert.equal(detached.refusal, null)
  })

  it('[C9] records that carry their own version need no marker', () => {
    const start = record('session', { versionKey: 'schema_version', unversioned: 1 })
    const Session = start.version(1, z.object({ id: z.string() }))
    const sessions = records('sessions', { path: 'sessions', files: '*.json', record: Session })
    const verdict = judge(sessions, { found: { is: 'data' }, hadMarker: true })
    assert.equal(verdict.status, 'legacy')
    assert.equal(verdict.refusal, null)
  })
})
