/**
 * Where the members of a changed object stand: numbers are members of the text, strings are added keys.
 *
 * Members of the text keep the text's order, whatever the result's: `({ a, ...rest }) => ({ ...rest, a })` is how a
 * step touches a member, seldom a wish to move it, and not moving is what leaves the other bytes alone. An added key
 * stands after the key before it in the result, or, where only added ones come before it, before the key after it:
 * so a key renamed in place stays in its place, and `{ version, ...rest }` puts it first.
 *
 * JavaScript lists keys such as "7" first in every object, so beside a key of the other sort the result's order says
 * nothing: the two sorts are placed apart, each among its own.
 *
 * `first`, if it is an added key, comes before everything.
 */
export function orderMembers(
  sourceKeys: readonly string[],
  isKept: readonly boolean[],
  resultKeys: readonly string[],
  first: string | null,
): (number | string)[] {
  const isFirstAdded = first !== null && !sourceKeys.includes(first) && resultKeys.includes(first)
  if (!isFirstAdded && isKept.every(Boolean) && sourceKeys.every((key, index) => key === resultKeys[index])) {
    // The common case: members were only added, at the end.
    return [...sourceKeys.keys(), ...resultKeys.slice(sourceKeys.length)]
  }

  const places = new Map<string, number>()
  sourceKeys.forEach((key, index) => isKept[index] === true && places.set(key, index))
  const before = new Map<number, string[]>()
  const after = new Map<number, string[]>()
  const last: string[] = []
  const head = isFirstAdded ? [first] : []

  for (const isIndex of [true, false]) {
    let previous: number | null = null
    let waiting: string[] = []
    for (const key of resultKeys) {
      if (isIndexKey(key) !== isIndex || key === head[0]) continue
      const place = places.get(key)
      if (place === undefined) {
        waiting.push(key)
        continue
      }
      if (waiting.length > 0) {
        if (previous === null) before.set(place, waiting)
        else after.set(previous, waiting)
      }
      waiting = []
      previous = place
    }
    if (previous === null) last.push(...waiting)
    else if (waiting.length > 0) after.set(previous, waiting)
  }

  const order: (number | string)[] = head
  sourceKeys.forEach((_, index) => {
    if (isKept[index] !== true) return
    order.push(...(before.get(index) ?? []), index, ...(after.get(index) ?? []))
  })
  return [...order, ...last]
}

/** What ECMAScript calls an array index. */
function isIndexKey(key: string): boolean {
  const code = key.charCodeAt(0)
  return code >= 0x30 && code <= 0x39 && /^(?:0|[1-9]\d{0,9})$/.test(key) && Number(key) < 2 ** 32 - 1
}
