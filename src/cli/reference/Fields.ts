/**
 * The fields of a custom resource as a table: type, default, validation, description.
 * Rule: read off the shape that the CRD is made of, so that the reference can say nothing else than the API server.
 */
import type { ListShape, ObjectShape, Shape } from "../../domain/crd/Shape.ts"
import { code, table } from "./Markdown.ts"

const typeOf = (shape: Shape): string => {
  if (shape.type === "array") return shape.items.type === "object" ? "list" : `list of ${shape.items.type}s`
  return shape.type === "string" && shape.format !== undefined ? shape.format : shape.type
}

const sizes = (shape: ListShape): ReadonlyArray<string> => [
  ...(shape.minItems === undefined ? [] : [`at least ${shape.minItems}`]),
  ...(shape.maxItems === undefined ? [] : [`at most ${shape.maxItems}`]),
  ...(shape.mapKeys === undefined ? [] : [`one per ${shape.mapKeys.join(", ")}`])
]

const said = ({ message, when }: Shape["rules"][number]): string =>
  when === undefined ? message : `${when}: ${message}`

/** What the API server checks of a value by itself. */
const ownChecks = (shape: Shape): ReadonlyArray<string> => [
  ...(shape.type === "string" && shape.enum !== undefined ? [shape.enum.map(code).join(", ")] : []),
  ...(shape.type === "string" && shape.maxLength !== undefined
    ? [`at most ${shape.maxLength} characters`]
    : []),
  ...(shape.type === "array" ? sizes(shape) : []),
  ...shape.rules.filter((rule) => rule.at === undefined).map(said)
]

/** Rules about several members of an object are reported at one of them. */
const checksOf = (owner: ObjectShape, name: string, shape: Shape): ReadonlyArray<string> => [
  ...ownChecks(shape),
  ...owner.rules.filter((rule) => rule.at === name).map(said)
]

const rowsOf = (owner: ObjectShape, path: string): ReadonlyArray<ReadonlyArray<string>> =>
  Object.entries(owner.properties).flatMap(([name, shape]) => {
    const isRequired = owner.required.includes(name)
    const row = [
      code(`${path}${name}`),
      typeOf(shape),
      shape.default === undefined ? (isRequired ? "required" : "") : code(JSON.stringify(shape.default)),
      checksOf(owner, name, shape).join("; "),
      shape.description ?? ""
    ]
    const inner =
      shape.type === "object"
        ? rowsOf(shape, `${path}${name}.`)
        : shape.type === "array" && shape.items.type === "object"
          ? rowsOf(shape.items, `${path}${name}[].`)
          : []
    return [row, ...inner]
  })

/** Throws on a shape that is no object: only objects have fields. */
export const fields = (shape: Shape): string => {
  if (shape.type !== "object") throw new Error(`a ${shape.type} has no fields`)
  return table(["field", "type", "default", "validation", "meaning"], rowsOf(shape, ""))
}
