import { addEdge, sortByNeeds } from './order.js'
import type { MutableGraph } from './order.js'
import type { PlanItem } from './plan.js'
import type { Verdict } from './verdict.js'

/** Stores that are committed as one. */
export interface CommitGroup {
  readonly stores: readonly string[]
  /** The store whose COMMIT decides for all, or null where the journal does. */
  readonly decider: string | null
}

/**
 * Part of a plan whose steps all run before anything is committed: so a step that fails leaves every store of the
 * segment byte for byte as it was. Its groups are then committed one after the other, in an order that keeps what
 * comes after what. A plan with one database, or none, is one segment and one commit: all of it or nothing.
 */
export interface Segment {
  readonly items: readonly PlanItem[]
  readonly groups: readonly CommitGroup[]
}

/** The stores that an item changes. */
export function storesOf(item: PlanItem): readonly string[] {
  return item.action === 'step' || item.action === 'undo'
    ? [item.store, ...Object.values(item.step.writes).map((reference) => reference.store)]
    : [item.store]
}

/**
 * Cuts a plan into as few segments as can be. It is cut where stores would have to be committed in a circle (a step of
 * A, then one of B that needs it, then one of A that needs that), or where one commit would need two deciders.
 */
export function cutSegments(items: readonly PlanItem[], deciding: ReadonlySet<string>): readonly Segment[] {
  const segments: Segment[] = []
  let open: PlanItem[] = []
  let groups: readonly CommitGroup[] = []
  for (const item of items) {
    const grown = staysInGroup(item, groups, open) ? groups : groupStores([...open, item], deciding)
    if (grown) {
      open.push(item)
      groups = grown
      continue
    }
    segments.push({ items: open, groups: mergeGroups(groups) })
    open = [item]
    groups = groupStores(open, deciding) ?? []
  }
  if (open.length > 0) segments.push({ items: open, groups: mergeGroups(groups) })
  return segments
}

/** The common case, checked without making the groups anew: another step of a group that needs no other group. */
function staysInGroup(item: PlanItem, groups: readonly CommitGroup[], open: readonly PlanItem[]): boolean {
  const group = groups.find((each) => each.stores.includes(item.store))
  if (!group || !storesOf(item).every((store) => group.stores.includes(store))) return false
  const outside = new Set(open.filter((each) => !group.stores.includes(each.store)).map((each) => each.key))
  return !item.after.some((key) => outside.has(key))
}

/**
 * Neighbours in the order of commits become one as long as they have one decider at the most: the fewer commits, the
 * less there is that a crash can leave between two of them. With a single database the whole segment is one commit.
 */
function mergeGroups(groups: readonly CommitGroup[]): readonly CommitGroup[] {
  const merged: CommitGroup[] = []
  for (const group of groups) {
    const last = merged.at(-1)
    if (last === undefined || (last.decider !== null && group.decider !== null)) merged.push(group)
    else
      merged[merged.length - 1] = { stores: [...last.stores, ...group.stores], decider: last.decider ?? group.decider }
  }
  return merged
}

/** Stores that a step joins belong together. Null when no order of commits would do. */
function groupStores(items: readonly PlanItem[], deciding: ReadonlySet<string>): readonly CommitGroup[] | null {
  const groupOf = new Map<string, Set<string>>()
  for (const item of items) {
    const joined = new Set<string>()
    for (const store of storesOf(item)) for (const each of groupOf.get(store) ?? [store]) joined.add(each)
    for (const store of joined) groupOf.set(store, joined)
  }
  const sets = [...new Set(groupOf.values())]
  if (sets.some((set) => [...set].filter((store) => deciding.has(store)).length > 1)) return null

  const all = sets.flatMap((set) => [...set])
  const decider = all.filter((store) => deciding.has(store))
  if (decider.length <= 1) return [{ stores: all, decider: decider[0] ?? null }]

  const keyOf = (store: string): string => [...(groupOf.get(store) ?? [])].join('\0')
  const storeByItem = new Map(items.map((item) => [item.key, item.store]))
  const before: MutableGraph = new Map()
  for (const item of items) {
    for (const key of item.after) {
      const earlier = storeByItem.get(key)
      if (earlier !== undefined && keyOf(earlier) !== keyOf(item.store))
        addEdge(before, keyOf(earlier), keyOf(item.store))
    }
  }
  const sorted = sortByNeeds(
    sets.map((set) => ({ key: [...set].join('\0'), group: '', stores: [...set] })),
    before,
  )
  if ('circle' in sorted) return null
  return sorted.order.map(({ stores }) => ({ stores, decider: stores.find((store) => deciding.has(store)) ?? null }))
}

/** Names of the stores whose COMMIT can decide for others. */
export function deciders(verdicts: readonly Verdict[]): ReadonlySet<string> {
  return new Set(verdicts.filter(({ spec }) => spec.decides).map(({ spec }) => spec.name))
}
