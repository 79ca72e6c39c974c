/**
 * A status before and after -> the merge patch that makes it so.
 * Rule: equal statuses give no patch, so that at rest nothing is written; fields left out are set to null.
 */
import type { Metadata } from "../domain/Metadata.ts"

/** Deep equality of JSON values; absent and undefined members are the same. */
const isSame = (a: unknown, b: unknown): boolean => {
  if (a === b) return true
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const left = a as Readonly<Record<string, unknown>>
  const right = b as Readonly<Record<string, unknown>>
  const keys = new Set([...Object.keys(left), ...Object.keys(right)])
  for (const key of keys) if (!isSame(left[key], right[key])) return false
  return true
}

export const isSameStatus = <S extends object>(before: S, after: S): boolean => isSame(before, after)

/** With resourceVersion: conditions are a list, and a merge patch replaces lists whole. */
export const statusPatch = <S extends object>(
  metadata: Metadata,
  before: S,
  after: S
): Readonly<Record<string, unknown>> => {
  const cleared = Object.fromEntries(
    Object.keys(before)
      .filter((key) => (after as Readonly<Record<string, unknown>>)[key] === undefined)
      .map((key) => [key, null])
  )
  return { metadata: { resourceVersion: metadata.resourceVersion }, status: { ...cleared, ...after } }
}
