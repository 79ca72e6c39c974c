/**
 * A shape in the words of OpenAPI v3, as the API server takes it: "structural".
 * Rule: translation only; every keyword follows from the shape.
 */
import type { Rule } from "./Rule.ts"
import type { ListShape, ObjectShape, Shape, StringShape } from "./Shape.ts"

export type Structural = Readonly<Record<string, unknown>>

const validation = (rule: Rule<never>): Structural => ({
  rule: rule.cel,
  message: rule.message,
  // Kubernetes 1.28 and newer.
  ...(rule.at === undefined ? {} : { fieldPath: `.${rule.at}` })
})

const ofString = (s: StringShape): Structural => ({
  ...(s.enum === undefined ? {} : { enum: s.enum }),
  ...(s.format === undefined ? {} : { format: s.format }),
  ...(s.maxLength === undefined ? {} : { maxLength: s.maxLength })
})

const ofList = (s: ListShape): Structural => ({
  ...(s.minItems === undefined ? {} : { minItems: s.minItems }),
  ...(s.maxItems === undefined ? {} : { maxItems: s.maxItems }),
  ...(s.mapKeys === undefined
    ? {}
    : { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": s.mapKeys }),
  items: structural(s.items)
})

const ofObject = (s: ObjectShape): Structural => ({
  ...(s.required.length === 0 ? {} : { required: s.required.toSorted() }),
  properties: Object.fromEntries(Object.entries(s.properties).map(([name, p]) => [name, structural(p)]))
})

const particulars = (s: Shape): Structural => {
  switch (s.type) {
    case "string":
      return ofString(s)
    case "array":
      return ofList(s)
    case "object":
      return ofObject(s)
    case "integer":
      return { format: "int64" }
    case "boolean":
      return {}
  }
}

export const structural = (s: Shape): Structural => ({
  ...(s.description === undefined ? {} : { description: s.description }),
  type: s.type,
  ...(s.default === undefined ? {} : { default: s.default }),
  ...(s.rules.length === 0 ? {} : { "x-kubernetes-validations": s.rules.map(validation) }),
  ...particulars(s)
})
