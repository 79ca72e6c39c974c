/**
 * Objects that clusters hold since the time of the Go implementation, and what must go on being possible with them.
 * Rule: an object once in here stays; a rule of validation that breaks it is wrong.
 */
import { readdirSync, readFileSync } from "node:fs"
import { parseAllDocuments } from "yaml"
import { all as definitions } from "../../src/domain/Crd.ts"
import { externalIPFinalizer, firewallRuleFinalizer } from "../../src/domain/Names.ts"
import type { Raw } from "../../src/domain/Object.ts"

export interface Stored {
  readonly name: string
  readonly object: Raw & { readonly kind: string }
  /** It worked, or can. */
  readonly isUsable: boolean
  /** It would be refused if it came new, or again with its status changed. */
  readonly isRefusedToday: boolean
}

const folder = new URL("corpus/", import.meta.url)

export const corpus: ReadonlyArray<Stored> = readdirSync(folder).flatMap((file) =>
  parseAllDocuments(readFileSync(new URL(file, folder), "utf8")).map((document): Stored => {
    const object = document.toJS() as Stored["object"]
    const labels = (object.metadata.labels ?? {}) as Readonly<Record<string, string>>
    const isUsable = file === "usable.yaml"
    return {
      name: `${object.kind} ${String(object.metadata.name)}`,
      object,
      isUsable,
      isRefusedToday: labels.today === "refused" || !isUsable
    }
  })
)

/** A JSON merge patch, of the object or of its status. */
export interface Change {
  readonly what: string
  readonly patch: Readonly<Record<string, unknown>>
  readonly subresource?: "status"
}

/** What users and the operator do to any stored object, whatever is in it. */
export const harmless: ReadonlyArray<Change> = [
  { what: "labelled", patch: { metadata: { labels: { touched: "yes" }, annotations: { touched: "yes" } } } },
  {
    what: "given the finalizers",
    patch: { metadata: { finalizers: [externalIPFinalizer, firewallRuleFinalizer] } }
  },
  { what: "cleaned up: the finalizers go", patch: { metadata: { finalizers: null } } },
  {
    what: "told of in its status",
    subresource: "status",
    patch: {
      status: {
        state: "Pending",
        observedGeneration: 1,
        conditions: [
          {
            type: "Ready",
            status: "False",
            reason: "InvalidRule",
            message: "why",
            observedGeneration: 1,
            lastTransitionTime: "2026-01-01T00:00:00Z"
          }
        ]
      }
    }
  }
]

/** The definitions as they were before there was any validation: what these objects were stored under. */
export const permissive: ReadonlyArray<Readonly<Record<string, unknown>>> = definitions.map((d) => {
  const spec = d.spec as { readonly versions: ReadonlyArray<Readonly<Record<string, unknown>>> }
  const anything = { type: "object", "x-kubernetes-preserve-unknown-fields": true }
  return {
    ...d,
    spec: {
      ...spec,
      versions: spec.versions.map((v) => ({
        ...v,
        schema: { openAPIV3Schema: { type: "object", properties: { spec: anything, status: anything } } }
      }))
    }
  }
})
