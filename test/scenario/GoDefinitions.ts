/**
 * The CustomResourceDefinitions of the Go implementation 0.14, from what they ask of an object.
 * Rule: generated from the shapes in GoSchema.ts, as ours are from our Schemas.
 */
import { externalIP, firewallRule } from "../../src/domain/Crd.ts"
import { type Structural, structural } from "../../src/domain/crd/Structural.ts"
import { reasonPattern, shapes } from "./GoSchema.ts"

interface Definition {
  readonly spec: Structural & {
    readonly names: Structural
    readonly versions: ReadonlyArray<Structural>
  }
}

/** Its one rule, on the reason of a condition, is no CEL there but a pattern. */
const withPattern = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withPattern)
  if (typeof value !== "object" || value === null) return value
  const { "x-kubernetes-validations": rules, ...rest } = value as Structural
  const members = Object.entries(rest).map(([name, member]) => [name, withPattern(member)] as const)
  return { ...Object.fromEntries(members), ...(rules === undefined ? {} : { pattern: reasonPattern.source }) }
}

const definition = (ours: Structural, kind: keyof typeof shapes): Structural => {
  const { spec } = ours as unknown as Definition
  const { categories: _, shortNames: __, ...names } = spec.names
  const schema = {
    openAPIV3Schema: {
      type: "object",
      properties: {
        apiVersion: { type: "string" },
        kind: { type: "string" },
        metadata: { type: "object" },
        spec: withPattern(structural(shapes[kind].spec)),
        status: withPattern(structural(shapes[kind].status))
      }
    }
  }
  const versions = spec.versions.map(({ additionalPrinterColumns: _, ...v }) => ({ ...v, schema }))
  return { ...ours, spec: { ...spec, names, versions } }
}

export const definitions: ReadonlyArray<Structural> = [
  definition(externalIP, "ExternalIP"),
  definition(firewallRule, "FirewallRule")
]
