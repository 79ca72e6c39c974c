/**
 * JSON merge patch as the API server applies it.
 * Rule: RFC 7386: null removes, objects merge, everything else (lists too) replaces.
 */
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export const apply = (target: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return patch
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else merged[key] = apply(merged[key], value)
  }
  return merged
}
