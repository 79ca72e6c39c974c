/**
 * A status before and after -> the merge patch that makes it so.
 * Rule: equal statuses give no patch, so that at rest nothing is written; fields left out are set to null.
 */
import { isSame } from "../domain/Json.ts"
import type { Metadata } from "../domain/Metadata.ts"

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
