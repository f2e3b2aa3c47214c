/** What has to come before each key. */
export type MutableGraph = Map<string, Set<string>>

export function addEdge(before: MutableGraph, first: string, then: string): void {
  const set = before.get(then)
  if (set) set.add(first)
  else before.set(then, new Set([first]))
}

/** Whether `goal` has to come before `from`, directly or through others. */
export function comesBefore(before: ReadonlyMap<string, ReadonlySet<string>>, goal: string, from: string): boolean {
  const seen = new Set<string>()
  const stack = [from]
  for (let key = stack.pop(); key !== undefined; key = stack.pop()) {
    for (const earlier of before.get(key) ?? []) {
      if (earlier === goal) return true
      if (!seen.has(earlier)) {
        seen.add(earlier)
        stack.push(earlier)
      }
    }
  }
  return false
}

/**
 * A topological order (Kahn), the same for the same input: among what is ready, the group that was last worked on goes
 * on, else the first in `keys`. Returns a circle instead if there is one.
 */
export function sortByNeeds<T extends { readonly key: string; readonly group: string }>(
  nodes: readonly T[],
  before: ReadonlyMap<string, ReadonlySet<string>>,
): { readonly order: readonly T[] } | { readonly circle: readonly string[] } {
  const known = new Set(nodes.map((node) => node.key))
  const open = new Map(
    nodes.map((node) => [node.key, [...(before.get(node.key) ?? [])].filter((key) => known.has(key)).length]),
  )
  const after = new Map<string, string[]>()
  for (const [then, firsts] of before) {
    for (const first of firsts)
      if (known.has(first) && known.has(then)) after.set(first, [...(after.get(first) ?? []), then])
  }
  const rank = new Map(nodes.map((node, index) => [node.key, index]))
  const byKey = new Map(nodes.map((node) => [node.key, node]))
  let ready = nodes.filter((node) => open.get(node.key) === 0)
  const order: T[] = []
  while (ready.length > 0) {
    const group = order.at(-1)?.group
    const next = ready.find((node) => node.group === group) ?? ready[0]
    if (!next) break
    order.push(next)
    ready = ready.filter((node) => node !== next)
    for (const key of after.get(next.key) ?? []) {
      const left = (open.get(key) ?? 0) - 1
      open.set(key, left)
      const node = byKey.get(key)
      if (left === 0 && node) ready.push(node)
    }
    ready.sort((a, b) => (rank.get(a.key) ?? 0) - (rank.get(b.key) ?? 0))
  }
  if (order.length === nodes.length) return { order }
  return {
    circle: findCircle(
      nodes.map((node) => node.key).filter((key) => !order.some((done) => done.key === key)),
      before,
    ),
  }
}

function findCircle(left: readonly string[], before: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const inCircle = new Set(left)
  const path: string[] = []
  let key = left[0]
  while (key !== undefined && !path.includes(key)) {
    path.push(key)
    key = [...(before.get(key) ?? [])].find((earlier) => inCircle.has(earlier))
  }
  return key === undefined ? path : [...path.slice(path.indexOf(key)), key].reverse()
}
