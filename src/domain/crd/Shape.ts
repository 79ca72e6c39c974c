/**
 * What a custom resource may look like, read off its Schema: the common ground of the CRD and of admission.
 * Rule: nothing is said of a field that its Schema does not say; what the API server could not hold throws.
 */
import type { Schema, SchemaAST } from "effect"
import { ofAnnotations, type Rule } from "./Rule.ts"

interface Common {
  readonly description?: string
  /** Filled in by the API server where the field is absent or null. */
  readonly default?: unknown
  readonly rules: ReadonlyArray<Rule<never>>
}

export interface StringShape extends Common {
  readonly type: "string"
  readonly enum?: ReadonlyArray<string>
  readonly format?: "date-time"
  /** In code points. */
  readonly maxLength?: number
}

export interface PlainShape extends Common {
  readonly type: "integer" | "boolean"
}

export interface ListShape extends Common {
  readonly type: "array"
  readonly items: Shape
  readonly minItems?: number
  readonly maxItems?: number
  /** The list is a map: these members of an item are its key. */
  readonly mapKeys?: ReadonlyArray<string>
}

export interface ObjectShape extends Common {
  readonly type: "object"
  readonly properties: Readonly<Record<string, Shape>>
  readonly required: ReadonlyArray<string>
}

export type Shape = StringShape | PlainShape | ListShape | ObjectShape

type Said = Readonly<Record<string, unknown>>

/** Annotations may sit on the node or, where it has checks, on one of them. */
const saidOf = (ast: SchemaAST.AST): Said =>
  Object.assign({}, ast.annotations, ...(ast.checks ?? []).map((c) => c.annotations ?? {}))

const commonOf = (ast: SchemaAST.AST): Common => {
  const said = saidOf(ast)
  return {
    ...(typeof said.description === "string" ? { description: said.description } : {}),
    ...(said.default === undefined ? {} : { default: said.default }),
    rules: (ast.checks ?? []).flatMap((c) => ofAnnotations(c.annotations ?? {}) ?? [])
  }
}

/** Bounds that the checks of Effect itself set, as keywords of OpenAPI. */
const boundsOf = (ast: SchemaAST.AST): Said =>
  Object.assign(
    {},
    ...(ast.checks ?? []).map((c): Said => {
      const said = (c.annotations ?? {}) as { readonly representation?: { id: string; payload: Said } }
      if (ofAnnotations(c.annotations ?? {}) !== undefined) return {}
      const { id, payload } = said.representation ?? { id: "a check without representation", payload: {} }
      switch (id) {
        case "effect/schema/isInt":
          return {}
        case "effect/schema/isMaxCodePoints":
          return { maxLength: payload.maxCodePoints }
        case "effect/schema/isMinLength":
          return { minItems: payload.minLength }
        case "effect/schema/isMaxLength":
          return { maxItems: payload.maxLength }
        default:
          throw new Error(`${id} has no keyword in a structural schema`)
      }
    })
  )

const isInteger = (ast: SchemaAST.AST): boolean =>
  (ast.checks ?? []).some((c) => {
    const { representation } = (c.annotations ?? {}) as { readonly representation?: { readonly id: string } }
    return representation?.id === "effect/schema/isInt"
  })

const literalsOf = (members: ReadonlyArray<SchemaAST.AST>): ReadonlyArray<string> =>
  members.map((m) => {
    if (m._tag === "Literal" && typeof m.literal === "string") return m.literal
    throw new Error(`a union of ${m._tag} has no structural schema`)
  })

/** Throws on a Schema whose values the API server could not hold. */
export const shapeOf = (ast: SchemaAST.AST): Shape => {
  switch (ast._tag) {
    case "String": {
      const { format } = saidOf(ast)
      return {
        type: "string",
        ...commonOf(ast),
        ...boundsOf(ast),
        ...(format === "date-time" ? { format } : {})
      }
    }
    case "Boolean":
      return { type: "boolean", ...commonOf(ast) }
    case "Number":
      if (!isInteger(ast)) throw new Error("a number that is no integer has no place in the API")
      return { type: "integer", ...commonOf(ast) }
    case "Union":
      return { type: "string", enum: literalsOf(ast.types), ...commonOf(ast) }
    case "Arrays": {
      const [items] = ast.rest
      if (items === undefined) throw new Error("an array without items has no structural schema")
      const { mapKeys } = saidOf(ast)
      return {
        type: "array",
        ...commonOf(ast),
        ...boundsOf(ast),
        ...(mapKeys === undefined ? {} : { mapKeys: mapKeys as ReadonlyArray<string> }),
        items: shapeOf(items)
      }
    }
    case "Objects": {
      const fields = ast.propertySignatures
      return {
        type: "object",
        ...commonOf(ast),
        properties: Object.fromEntries(fields.map((f) => [String(f.name), shapeOf(f.type)])),
        required: fields.filter((f) => f.type.context?.isOptional !== true).map((f) => String(f.name))
      }
    }
    default:
      throw new Error(`${ast._tag} has no structural schema`)
  }
}

export const shape = (schema: Schema.Top): Shape => shapeOf(schema.ast)

/** An object all of whose fields may be absent. */
export const partial = (description: string, fields: Readonly<Record<string, Schema.Top>>): ObjectShape => ({
  type: "object",
  description,
  rules: [],
  required: [],
  properties: Object.fromEntries(Object.entries(fields).map(([name, s]) => [name, shape(s)]))
})
