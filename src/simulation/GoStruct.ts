/**
 * Objects as the API server's Go types decode and encode them.
 * Rule: unknown members and nulls are dropped, empty members are omitted where the type says so, and a value of
 * another type than its member's refuses the object.
 * Source: encoding/json, with the tags of k8s.io/api and k8s.io/apimachinery.
 */
import { Result } from "effect"
import { isFields } from "../domain/Object.ts"

export type Shape =
  /** Omitted when empty. */
  | { readonly is: "text" | "flag" | "integer" }
  /** Behind a pointer: kept when empty. */
  | { readonly is: "optional text" | "optional integer" }
  /** metav1.MicroTime, or metav1.Time. */
  | { readonly is: "micro-time" | "time" }
  | { readonly is: "texts" }
  | { readonly is: "list"; readonly of: Shape }
  /** `always`: there even when nothing is given for it. */
  | { readonly is: "struct"; readonly members: Members; readonly always?: boolean }
  | { readonly is: "anything" }
export type Members = Readonly<Record<string, Shape>>

export const text: Shape = { is: "text" }
export const flag: Shape = { is: "flag" }
export const integer: Shape = { is: "integer" }
export const optionalText: Shape = { is: "optional text" }
export const optionalInteger: Shape = { is: "optional integer" }
export const microTime: Shape = { is: "micro-time" }
export const time: Shape = { is: "time" }
/** A map from text to text. */
export const texts: Shape = { is: "texts" }
export const anything: Shape = { is: "anything" }
export const list = (of: Shape): Shape => ({ is: "list", of })
export const struct = (members: Members): Shape => ({ is: "struct", members })
export const always = (members: Members): Shape => ({ is: "struct", members, always: true })

type Decoded = Result.Result<unknown, string>

/** Six digits, neither more nor less: the layout that MicroTime is parsed by. */
const microTimeText = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/
const timeText = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

const wrongType = (path: string, wanted: string): Decoded => Result.fail(`${path}: must be ${wanted}`)

const scalar = (path: string, value: unknown, isRight: boolean, wanted: string, empty?: unknown): Decoded =>
  isRight ? Result.succeed(value === empty ? undefined : value) : wrongType(path, wanted)

const isAbsent = (value: unknown): boolean => value === undefined || value === null
/** There even when nothing is given for it. */
const isAlways = (shape: Shape): boolean => shape.is === "struct" && shape.always === true

const members = (shapes: Members, value: Readonly<Record<string, unknown>>, path: string): Decoded => {
  const decoded: Record<string, unknown> = {}
  for (const name in shapes) {
    const shape = shapes[name]
    const given = value[name]
    if (shape === undefined || (isAbsent(given) && !isAlways(shape))) continue
    const member = decode(shape, given, path === "" ? name : `${path}.${name}`)
    if (Result.isFailure(member)) return member
    if (member.success !== undefined) decoded[name] = member.success
  }
  return Result.succeed(decoded)
}

/** The value as it comes back, undefined where it is omitted; or in one line what cannot be decoded. */
export const decode = (shape: Shape, value: unknown, path: string): Decoded => {
  if (isAbsent(value)) {
    return shape.is === "struct" && isAlways(shape)
      ? members(shape.members, {}, path)
      : Result.succeed(undefined)
  }
  switch (shape.is) {
    case "text":
      return scalar(path, value, typeof value === "string", "a string", "")
    case "optional text":
      return scalar(path, value, typeof value === "string", "a string")
    case "flag":
      return scalar(path, value, typeof value === "boolean", "a boolean", false)
    case "integer":
      return scalar(path, value, Number.isSafeInteger(value), "an integer", 0)
    case "optional integer":
      return scalar(path, value, Number.isSafeInteger(value), "an integer")
    case "micro-time":
      return scalar(path, value, typeof value === "string" && microTimeText.test(value), "a MicroTime")
    case "time":
      return scalar(path, value, typeof value === "string" && timeText.test(value), "a Time")
    case "texts": {
      if (!isFields(value)) return wrongType(path, "an object")
      const given = Object.entries(value)
      const wrong = given.find(([, v]) => v !== null && typeof v !== "string")
      if (wrong !== undefined) return wrongType(`${path}.${wrong[0]}`, "a string")
      const known = given.map(([key, v]) => [key, v ?? ""])
      return Result.succeed(known.length === 0 ? undefined : Object.fromEntries(known))
    }
    case "list": {
      if (!Array.isArray(value)) return wrongType(path, "a list")
      const items: Array<unknown> = []
      for (const [i, item] of value.entries()) {
        const decoded = decode(shape.of, item ?? {}, `${path}[${i}]`)
        if (Result.isFailure(decoded)) return decoded
        items.push(decoded.success ?? "")
      }
      return Result.succeed(items.length === 0 ? undefined : items)
    }
    case "struct":
      return isFields(value) ? members(shape.members, value, path) : wrongType(path, "an object")
    case "anything":
      return Result.succeed(value)
  }
}
