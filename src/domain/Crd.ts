/**
 * The CustomResourceDefinitions, generated from the Schemas of the two custom resources.
 * Rule: nothing about a field is said here that its Schema could say; validation rules sit at or below `spec`, so
 * that stored objects that a newer rule would refuse can still be patched, cleaned up and deleted.
 */
import type { Schema, SchemaAST } from "effect"
import * as ExternalIP from "./ExternalIP.ts"
import * as FirewallRule from "./FirewallRule.ts"
import { group, version } from "./Names.ts"

/** An OpenAPI v3 schema as the API server takes it: "structural". */
export type Structural = Readonly<Record<string, unknown>>

type Annotations = Readonly<Record<string, unknown>>

const annotationsOf = (ast: SchemaAST.AST): Annotations => (ast.annotations ?? {}) as Annotations

/** Annotations of ours that become keywords of the schema, beside those every Schema knows. */
const keywords = (a: Annotations): Structural => ({
  ...(a.description === undefined ? {} : { description: a.description }),
  ...(a.default === undefined ? {} : { default: a.default }),
  ...(a.format === undefined ? {} : { format: a.format }),
  ...(a.maxLength === undefined ? {} : { maxLength: a.maxLength }),
  ...(a.minItems === undefined ? {} : { minItems: a.minItems }),
  ...(a.maxItems === undefined ? {} : { maxItems: a.maxItems }),
  ...(a.listMapKeys === undefined
    ? {}
    : { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": a.listMapKeys }),
  ...(a.rules === undefined ? {} : { "x-kubernetes-validations": a.rules })
})

/** A Schema of JSON values -> structural schema. Throws on what the API server could not hold. */
export const structural = (ast: SchemaAST.AST): Structural => {
  switch (ast._tag) {
    case "String":
      return { type: "string", ...keywords(annotationsOf(ast)) }
    case "Boolean":
      return { type: "boolean", ...keywords(annotationsOf(ast)) }
    case "Number":
      return {
        type: "integer",
        ...keywords({ format: "int64", ...annotationsOf(ast), ...ofChecks(ast) })
      }
    case "Union": {
      const members = ast.types.filter((t) => t._tag !== "Null" && t._tag !== "Undefined")
      const [only] = members
      if (members.length === 1 && only !== undefined)
        return { ...structural(only), ...keywords(annotationsOf(ast)) }
      return {
        type: "string",
        enum: members.map((m) => (m._tag === "Literal" ? m.literal : undefined)),
        ...keywords(annotationsOf(ast))
      }
    }
    case "Arrays": {
      const [items] = ast.rest
      if (items === undefined) throw new Error("an array without items has no structural schema")
      return { type: "array", items: structural(items), ...keywords(annotationsOf(ast)) }
    }
    case "Objects": {
      const fields = ast.propertySignatures
      const required = [
        ...fields.filter((f) => f.type.context?.isOptional !== true).map((f) => String(f.name)),
        ...((annotationsOf(ast).required as ReadonlyArray<string> | undefined) ?? [])
      ]
      return {
        type: "object",
        ...keywords(annotationsOf(ast)),
        properties: Object.fromEntries(fields.map((f) => [String(f.name), structural(f.type)])),
        ...(required.length === 0 ? {} : { required: required.toSorted() })
      }
    }
    default:
      throw new Error(`${ast._tag} has no structural schema`)
  }
}

/** What is said of a number after its checks: annotations sit on the last check. */
const ofChecks = (ast: SchemaAST.AST): Annotations =>
  Object.assign({}, ...(ast.checks ?? []).map((c) => c.annotations ?? {})) as Annotations

interface Column {
  readonly name: string
  readonly type: "string" | "date" | "integer"
  readonly jsonPath: string
  readonly description?: string
}

const ready: Column = {
  name: "Ready",
  type: "string",
  jsonPath: '.status.conditions[?(@.type=="Ready")].status'
}
const age: Column = { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" }

interface Kind {
  readonly kind: string
  readonly plural: string
  readonly shortNames: ReadonlyArray<string>
  readonly spec: Schema.Top
  readonly status: Readonly<Record<string, Schema.Top>>
  readonly columns: ReadonlyArray<Column>
}

const definition = (k: Kind): Structural => {
  const spec = structural(k.spec.ast)
  const status = Object.fromEntries(Object.entries(k.status).map(([name, s]) => [name, structural(s.ast)]))
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${k.plural}.${group}` },
    spec: {
      group,
      names: {
        kind: k.kind,
        listKind: `${k.kind}List`,
        plural: k.plural,
        singular: k.kind.toLowerCase(),
        shortNames: k.shortNames,
        categories: ["kubestatic"]
      },
      scope: "Cluster",
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: k.columns,
          schema: {
            openAPIV3Schema: {
              type: "object",
              properties: {
                apiVersion: { type: "string" },
                kind: { type: "string" },
                metadata: { type: "object" },
                spec,
                status: { type: "object", description: "What was achieved.", properties: status }
              }
            }
          }
        }
      ]
    }
  }
}

export const externalIP: Structural = definition({
  kind: "ExternalIP",
  plural: "externalips",
  shortNames: ["eip"],
  spec: ExternalIP.Spec,
  status: ExternalIP.statusFields,
  columns: [
    { name: "State", type: "string", jsonPath: ".status.state" },
    { name: "Public IP", type: "string", jsonPath: ".status.publicIPAddress" },
    { name: "Node", type: "string", jsonPath: ".spec.nodeName" },
    ready,
    age
  ]
})

export const firewallRule: Structural = definition({
  kind: "FirewallRule",
  plural: "firewallrules",
  shortNames: ["fwr"],
  spec: FirewallRule.Spec,
  status: { ...FirewallRule.statusFields, ...FirewallRule.formerStatusFields },
  columns: [
    { name: "Direction", type: "string", jsonPath: ".spec.direction" },
    { name: "Protocol", type: "string", jsonPath: ".spec.protocol" },
    {
      name: "Ports",
      type: "string",
      // A column prints one value: of a range of ports it is the first.
      jsonPath: ".spec.fromPort",
      description: "The first port, or the ICMP type"
    },
    { name: "State", type: "string", jsonPath: ".status.state" },
    { name: "Node", type: "string", jsonPath: ".status.nodeName" },
    ready,
    age
  ]
})

export const all: ReadonlyArray<Structural> = [externalIP, firewallRule]
