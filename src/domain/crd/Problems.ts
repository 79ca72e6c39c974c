/**
 * What is wrong with a value, in the API server's words.
 * Rule: on an update, what is as it was is not judged again ("ratcheting", on by default since Kubernetes 1.30).
 * Source: apiextensions-apiserver, pkg/apiserver/validation and pkg/apiserver/schema/cel.
 */
import { isSame } from "../Json.ts"
import { isFields } from "../Object.ts"
import type { ListShape, ObjectShape, Shape, StringShape } from "./Shape.ts"

export interface Problem {
  /** `spec.ipRanges[0].cidr` */
  readonly path: string
  readonly message: string
  /** The rules in CEL are not run on a value that has it. */
  readonly isBlocking: boolean
}

/** The value before an update that stands where this one stands; undefined: none, or none that it can be told of. */
type Before = unknown

interface Child {
  readonly shape: Shape
  readonly value: unknown
  readonly before: Before
  readonly path: string
}

const typeOf = (value: unknown): string => {
  if (value === null) return "null"
  if (Array.isArray(value)) return "array"
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number"
  return typeof value
}

const keyOf = (shape: ListShape, item: unknown): string | undefined =>
  shape.mapKeys !== undefined && isFields(item)
    ? JSON.stringify(Object.fromEntries(shape.mapKeys.map((k) => [k, item[k]])))
    : undefined

const childrenOf = (shape: Shape, value: unknown, before: Before, path: string): ReadonlyArray<Child> => {
  if (shape.type === "object" && isFields(value)) {
    const children: Array<Child> = []
    for (const name in shape.properties) {
      const property = shape.properties[name]
      if (property === undefined || value[name] === undefined) continue
      const was = isFields(before) ? before[name] : undefined
      children.push({ shape: property, value: value[name], before: was, path: `${path}.${name}` })
    }
    return children
  }
  if (shape.type === "array" && Array.isArray(value)) {
    // Only the items of a map can be told apart; of another list any item may have become any other.
    const known = new Map(
      Array.isArray(before)
        ? before.flatMap((item: unknown) => {
            const key = keyOf(shape, item)
            return key === undefined ? [] : [[key, item] as const]
          })
        : []
    )
    return value.map((item: unknown, i) => ({
      shape: shape.items,
      value: item,
      before: known.get(keyOf(shape, item) ?? ""),
      path: `${path}[${i}]`
    }))
  }
  return []
}

const isRatcheted = (value: unknown, before: Before): boolean => before !== undefined && isSame(value, before)

const invalid = (path: string, message: string): Problem => ({
  path,
  message: `Invalid value: ${message}`,
  isBlocking: false
})

/** RFC 3339, as strfmt reads it. */
const dateTime = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}([.]\d+)?([Zz]|[+-]\d{2}:\d{2})$/

function* ofString(shape: StringShape, value: string, path: string): Iterable<Problem> {
  if (shape.enum !== undefined && !shape.enum.includes(value)) {
    const supported = shape.enum.map((e) => JSON.stringify(e)).join(", ")
    yield {
      path,
      message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`,
      isBlocking: true
    }
  }
  if (shape.maxLength !== undefined && [...value].length > shape.maxLength) {
    yield { path, message: `Too long: may not be more than ${shape.maxLength} bytes`, isBlocking: true }
  }
  if (shape.format !== undefined && !(dateTime.test(value) && !Number.isNaN(Date.parse(value)))) {
    const text = JSON.stringify(value)
    const name = path.slice(path.lastIndexOf(".") + 1)
    yield invalid(path, `${text}: ${name} in body must be of type ${shape.format}: ${text}`)
  }
}

function* ofList(shape: ListShape, value: ReadonlyArray<unknown>, path: string): Iterable<Problem> {
  const { length } = value
  if (shape.minItems !== undefined && length < shape.minItems) {
    yield invalid(path, `${length}: ${path} in body should have at least ${shape.minItems} items`)
  }
  if (shape.maxItems !== undefined && length > shape.maxItems) {
    yield {
      path,
      message: `Too many: ${length}: must have at most ${shape.maxItems} items`,
      isBlocking: true
    }
  }
  const seen = new Set<string>()
  for (const [i, item] of value.entries()) {
    const key = keyOf(shape, item)
    if (key === undefined) continue
    if (seen.has(key)) yield { path: `${path}[${i}]`, message: `Duplicate value: ${key}`, isBlocking: false }
    seen.add(key)
  }
}

function* ofObject(
  shape: ObjectShape,
  value: Readonly<Record<string, unknown>>,
  path: string
): Iterable<Problem> {
  for (const name of shape.required) {
    if (value[name] === undefined)
      yield { path: `${path}.${name}`, message: "Required value", isBlocking: true }
  }
}

function* structure(shape: Shape, value: unknown, before: Before, path: string): Iterable<Problem> {
  if (isRatcheted(value, before)) return
  const type = typeOf(value)
  if (type !== shape.type) {
    const message = `Invalid value: "${type}": ${path} in body must be of type ${shape.type}: "${type}"`
    yield { path, message, isBlocking: true }
    return
  }
  if (shape.type === "string") yield* ofString(shape, String(value), path)
  if (shape.type === "array" && Array.isArray(value)) yield* ofList(shape, value, path)
  if (shape.type === "object" && isFields(value)) yield* ofObject(shape, value, path)
  for (const c of childrenOf(shape, value, before, path)) yield* structure(c.shape, c.value, c.before, c.path)
}

function* rules(shape: Shape, value: unknown, before: Before, path: string): Iterable<Problem> {
  if (isRatcheted(value, before)) return
  for (const rule of shape.rules) {
    // The structure is right, so the value is of the type that the rule's Schema says.
    if (rule.holds(value as never)) continue
    const text = typeof value === "string" ? `${JSON.stringify(value)}: ` : ""
    yield invalid(rule.at === undefined ? path : `${path}.${rule.at}`, `${text}${rule.message}`)
  }
  for (const c of childrenOf(shape, value, before, path)) yield* rules(c.shape, c.value, c.before, c.path)
}

/**
 * Everything that is wrong with a value that is as it would be stored.
 *
 * @param before what it replaces, as it would be stored; undefined on creation
 */
export const problems = (
  shape: Shape,
  value: unknown,
  before: unknown,
  path: string
): ReadonlyArray<Problem> => {
  const found = [...structure(shape, value, before, path)]
  return found.some((p) => p.isBlocking) ? found : [...found, ...rules(shape, value, before, path)]
}
