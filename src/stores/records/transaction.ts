import type { Overlay } from '../../disk/overlay.js'
import type { MoultFailure } from '../../model/errors.js'
import { entriesOf } from '../../model/marker.js'
import type { Marker } from '../../model/marker.js'
import { noChanges } from '../../model/report.js'
import { describeStep, placeOf } from '../../model/step.js'
import type { Step } from '../../model/step.js'
import type { Applied, Place, RunScope, StepContext, StoreTransaction, View } from '../../model/store.js'
import { beginFiles } from '../files/begin-files.js'
import { countChanges } from '../files/count-changes.js'
import { openLease } from '../files/lease.js'
import { replaceMarkerIn, unwriteMarkerIn, writeMarkerInto } from '../files/write-marker.js'
import { basePlace } from './base-place.js'
import { openIterations } from './iterations.js'
import { dropLeft } from './left-documents.js'
import type { LeftDocument } from '../../model/marker.js'
import { stampLeft } from './left-seen.js'
import { dropVersions, findLeftVersions } from './left-versions.js'
import type { LeftVersions, StoreVersion } from './left-versions.js'
import { runLayout } from './layout.js'
import { recordsReader } from './read-records.js'
import { headOf } from './record-chain.js'
import type { RecordsOwn } from './own.js'
import type { RecordsScope } from './records-scope.js'
import { refuseInvalid } from './refuse-invalid.js'
import { sweep } from './sweep.js'
import type { Swept } from './sweep.js'
import { recordsWriter } from './write-records.js'

/** A run's transaction on a store of records: an overlay, invisible until the commit of its files. */
export async function beginRecords(place: Place, run: RunScope, expected: Marker | null): Promise<StoreTransaction> {
  const { overlay, marker } = await beginFiles(basePlace(place), run, expected)
  const transaction = new RecordsTransaction(place, run, overlay, marker)
  await transaction.leave(marker.left, false)
  return transaction
}

class RecordsTransaction implements StoreTransaction {
  readonly store: string
  readonly commit: StoreTransaction['commit']
  readonly #place: Place
  readonly #own: RecordsOwn
  readonly #overlay: Overlay
  readonly #signal: AbortSignal
  readonly #breaches: (() => MoultFailure | null)[] = []
  #marker: Marker
  #left: readonly LeftDocument[] = []
  #versions: LeftVersions = new Map()
  #isUnchecked = false
  #isSwept = false

  constructor(place: Place, run: RunScope, overlay: Overlay, marker: Marker) {
    this.store = place.spec.name
    this.commit = { by: 'files', overlay }
    this.#place = place
    this.#own = place.spec.own as RecordsOwn
    this.#overlay = overlay
    this.#signal = run.signal
    this.#marker = marker
  }

  /** Takes a list of what was left; `isOurs`: made by this run, as the documents are now. */
  async leave(left: readonly LeftDocument[], isOurs: boolean): Promise<void> {
    this.#left = left
    const { chain, each } = this.#own
    if (chain.versionKey !== false || left.length === 0) {
      this.#versions = new Map()
      return
    }
    const overlay = this.#overlay
    const signal = this.#signal
    // What this run has just made needs no look at the files
    const isKnown = isOurs && left.every(({ seen }) => seen === undefined)
    const files = new Set(isKnown ? [] : await overlay.list(undefined, signal))
    const read = (file: string): Iterable<Buffer> => overlay.readChunks(file)
    this.#versions = await findLeftVersions({ left, each, isOurs, files, read, signal })
  }

  async apply(step: Step, _stores: Readonly<Record<string, unknown>>, context: StepContext): Promise<Applied> {
    const to = placeOf(this.#place.spec.lane, step.name)
    if (to === null) throw new TypeError(`'${step.name}' is no step of the store '${this.store}'`)
    const { chain, layout } = this.#own
    // The oldest version's sweep changes nothing, and the next one looks at the same: it is only needed if none comes.
    this.#isUnchecked = to === chain.oldest
    const swept = this.#isUnchecked ? null : await this.#sweep(to, context)
    const changes = { ...noChanges, records: swept?.records ?? 0, filesChanged: swept?.files ?? 0 }
    const arrange = layout.get(to)
    if (arrange === undefined) return { result: 'done', changes }
    const scope = { store: this.store, step: this.#stepName(to), version: to, signal: this.#signal }
    const arranged = await runLayout({ overlay: this.#overlay, scope, arrange, context, left: this.#left })
    await this.leave(arranged.left, this.#isSwept)
    return {
      result: 'done',
      ...(arranged.skipped === null ? {} : { reason: `its layout was skipped: ${arranged.skipped}` }),
      changes: {
        ...changes,
        filesAdded: arranged.added,
        filesChanged: changes.filesChanged + arranged.changed,
        filesRemoved: arranged.removed,
      },
    }
  }

  /** Every document goes back by `down`. The plan lets nobody undo a version whose layout had moved files. */
  async revert(step: Step, _stores: Readonly<Record<string, unknown>>, context: StepContext): Promise<Applied> {
    const from = placeOf(this.#place.spec.lane, step.name)
    if (from === null || this.#own.layout.has(from))
      throw new TypeError(`the step '${step.name}' of the store '${this.store}' has no way back`)
    const swept = await this.#sweep(from - 1, context, { from, way: 'down' })
    return { result: 'done', changes: { ...noChanges, records: swept.records, filesChanged: swept.files } }
  }

  async retry(context: StepContext): Promise<Applied> {
    const version = entriesOf(this.#marker, '').length
    const swept = await this.#sweep(version, context, { from: version, way: 'up' })
    return { result: 'done', changes: { ...noChanges, records: swept.records, filesChanged: swept.files } }
  }

  async #sweep(
    to: number,
    context: Pick<StepContext, 'progress'> | null,
    { from, way }: { readonly from: number; readonly way: 'up' | 'down' } = { from: to - 1, way: 'up' },
  ): Promise<Swept> {
    const step = this.#stepName(Math.max(from, to))
    const { chain, each, invalid } = this.#own
    const swept = await sweep({
      overlay: this.#overlay,
      chain,
      each,
      to,
      way,
      store: { version: Math.max(from, chain.oldest), each, left: this.#versions },
      left: this.#left,
      storeName: this.store,
      step,
      signal: this.#signal,
      progress: (done, total) => context?.progress(done, total),
    })
    if (invalid === 'refuse') refuseInvalid(this.store, step, to, swept.left)
    this.#isSwept = true
    await this.leave(swept.left, true)
    return swept
  }

  #stepName(place: number): string {
    return describeStep(this.#place.spec.lane, this.#place.spec.lane.names[place - 1] ?? '')
  }

  async applyFlat(): Promise<Applied> {
    return { result: 'done', changes: noChanges }
  }

  view(at: number, access: 'read' | 'write', by: string): View {
    const { chain, each } = this.#own
    const lease = openLease(this.store, by)
    this.#breaches.push(() => lease.breach())
    const overlay = this.#overlay
    const scope: RecordsScope = {
      store: this.store,
      chain,
      each,
      overlay,
      signal: this.#signal,
      by,
      at,
      stands: this.#stands(at),
    }
    const iterations = openIterations(overlay)
    if (access === 'read')
      return {
        value: Object.freeze(recordsReader(scope, lease, iterations)),
        changes: () => noChanges,
        undo: () => undefined,
        expire: () => expire(lease),
      }
    const forget = (name: string): void => {
      this.#left = dropLeft(this.#left, name)
      this.#versions = dropVersions(this.#versions, name)
    }
    const { records, settle } = recordsWriter(scope, lease, iterations, forget)
    const savepoint = overlay.savepoint()
    const before = overlay.changes()
    const left = this.#left
    const versions = this.#versions
    return {
      value: records,
      changes: () => {
        settle()
        return countChanges(before, overlay.changes())
      },
      undo: () => {
        settle()
        overlay.rollbackTo(savepoint)
        this.#left = left
        this.#versions = versions
      },
      expire: () => {
        settle()
        expire(lease)
      },
    }
  }

  mark(...[entries, touches]: Parameters<StoreTransaction['mark']>): void {
    this.#marker = writeMarkerInto(this.#overlay, this.#marker, { entries, touches, left: this.#left })
  }

  unmark(...[entries, touches]: Parameters<StoreTransaction['unmark']>): void {
    const marker = { ...this.#marker, left: this.#left }
    this.#marker = unwriteMarkerIn(this.#overlay, marker, { entries, touches })
  }

  remark(change: (marker: Marker) => Marker): void {
    this.#marker = replaceMarkerIn(this.#overlay, change(this.#marker))
    this.#left = this.#marker.left
  }

  async prepare(): Promise<void> {
    for (const breach of this.#breaches) {
      const failure = breach()
      if (failure !== null) throw failure
    }
    const isUnchecked = this.#isUnchecked
    this.#isUnchecked = false
    if (isUnchecked) await this.#sweep(this.#own.chain.oldest, null)
    // A list that no sweep has made anew keeps its stamps: what was mended since has not been tried.
    if (this.#isSwept) this.#left = await this.#stampLeft()
    if (isUnchecked || (this.#isSwept && this.#left.length > 0)) this.mark([], [])
  }

  // What was staged stays until the run folder goes: a commit that was decided and then interrupted needs it.
  async rollback(): Promise<void> {}

  async close(): Promise<void> {}

  async #stampLeft(): Promise<readonly LeftDocument[]> {
    const { each, chain } = this.#own
    // Of documents that say no version: their bytes are what tells them from others
    const digests = chain.versionKey === false
    return await stampLeft(this.#overlay, each, this.#left, { digests, signal: this.#signal })
  }

  /** Past our head there are only steps that we need not know, or the plan would have refused the view. */
  #stands(at: number): StoreVersion {
    const version = Math.max(Math.min(entriesOf(this.#marker, '').length, headOf(this.#own.chain)), at)
    const versions = (): LeftVersions => this.#versions
    return {
      version,
      each: this.#own.each,
      // As it is when it is asked for: the view's own writes account for what was left
      get left() {
        return versions()
      },
    }
  }
}

function expire(lease: ReturnType<typeof openLease>): void {
  lease.expire()
  const breach = lease.breach()
  if (breach !== null) throw breach
}
