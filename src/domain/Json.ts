/**
 * JSON values held against each other.
 * Rule: two values are the same when they would be written the same, whatever the order of their members.
 */
type Members = Readonly<Record<string, unknown>>

/** A label may be called "constructor": what every object inherits is none of its members. */
const memberOf = (members: Members, key: string): unknown =>
  Object.hasOwn(members, key) ? members[key] : undefined

/** Deep equality; absent and undefined members are the same. */
export const isSame = (a: unknown, b: unknown): boolean => {
  if (a === b) return true
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) return Array.isArray(a) && Array.isArray(b) && isSameList(a, b)
  const left = a as Members
  const right = b as Members
  for (const key in left) if (!isSame(left[key], memberOf(right, key))) return false
  for (const key in right) if (right[key] !== undefined && memberOf(left, key) === undefined) return false
  return true
}

const isSameList = (a: ReadonlyArray<unknown>, b: ReadonlyArray<unknown>): boolean =>
  a.length === b.length && a.every((item, i) => isSame(item, b[i]))
