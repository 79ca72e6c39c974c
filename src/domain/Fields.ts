/**
 * Which fields of an object are read: what is not named is not kept, wherever it comes from.
 * Rule: pure; projecting twice is projecting once.
 */

/** By name: all of it, or some of its own fields. */
export interface Fields {
  readonly [name: string]: true | Fields
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** What is not an object where fields are asked for stays as it is: to complain is the decoder's business. */
export const project = (value: unknown, fields: Fields): unknown => {
  if (!isObject(value)) return value
  const kept: Record<string, unknown> = {}
  for (const name in fields) {
    const wanted = fields[name]
    if (wanted === undefined || !Object.hasOwn(value, name)) continue
    kept[name] = wanted === true ? value[name] : project(value[name], wanted)
  }
  return kept
}
