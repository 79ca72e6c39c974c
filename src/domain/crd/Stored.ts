/**
 * A value as the API server would store it: what its shape does not know is dropped, defaults are filled in.
 * Rule: what is of another type than its shape says is left as it is, for validation to name it.
 * Source: apiextensions-apiserver, pkg/apiserver/schema/{pruning,defaulting}.
 */
import { isFields } from "../Object.ts"
import type { Shape } from "./Shape.ts"

export const stored = (shape: Shape, value: unknown): unknown => {
  if (shape.type === "array" && Array.isArray(value)) return value.map((item) => stored(shape.items, item))
  if (shape.type !== "object" || !isFields(value)) return value
  const known: Record<string, unknown> = {}
  for (const name in shape.properties) {
    const property = shape.properties[name]
    // null counts as absent; only as an item of a list does it stay.
    const given = value[name] ?? property?.default
    if (property !== undefined && given !== undefined) known[name] = stored(property, given)
  }
  return known
}
