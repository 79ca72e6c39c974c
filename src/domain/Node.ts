/**
 * A Kubernetes Node, projected to the fields that decide.
 * Rule: a heartbeat changes none of them, so it wakes nobody.
 */
import { Schema } from "effect"
import type { Fields } from "./Fields.ts"
import * as Metadata from "./Metadata.ts"
import { addressLabel, autoAssignLabel, goingTaints, startupTaint } from "./Names.ts"
import type { Raw } from "./Object.ts"
import { once } from "./Shared.ts"

/** Kept whole, unknown fields too: a merge patch replaces the list, and other parties' taints are never touched. */
export type Taint = Readonly<Record<string, unknown>> & { readonly key: string }

export interface Node {
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly isDeleting: boolean
  readonly isAutoAssign: boolean
  /** The value of the address label. */
  readonly address: string | undefined
  readonly isUnschedulable: boolean
  readonly taints: ReadonlyArray<Taint>
  readonly providerID: string | undefined
}

/** What `decode` reads. */
export const fields: Fields = {
  metadata: Metadata.fieldsWith(autoAssignLabel, addressLabel),
  spec: { unschedulable: true, providerID: true, taints: true }
}

const Wire = Schema.Struct({
  unschedulable: Schema.optionalKey(Schema.NullOr(Schema.Boolean)),
  providerID: Schema.optionalKey(Schema.NullOr(Schema.String)),
  taints: Schema.optionalKey(
    Schema.NullOr(
      Schema.Array(
        Schema.StructWithRest(Schema.Struct({ key: Schema.String }), [
          Schema.Record(Schema.String, Schema.Unknown)
        ])
      )
    )
  )
})
const decodeWire = Schema.decodeUnknownSync(Wire)

export const decode = (raw: Raw): Node => {
  const metadata = Metadata.decode(raw.metadata)
  const spec = decodeWire(raw.spec ?? {})
  return {
    name: metadata.name,
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    isDeleting: Metadata.isDeleting(metadata),
    isAutoAssign: metadata.labels[autoAssignLabel] === "true",
    address: metadata.labels[addressLabel],
    isUnschedulable: spec.unschedulable ?? false,
    taints: once(spec.taints ?? []),
    providerID: spec.providerID || undefined
  }
}

export const isGoing = (n: Node): boolean => n.taints.some((t) => goingTaints.has(t.key))
/** Cordoned, or marked by an autoscaler as about to go. */
export const isCordoned = (n: Node): boolean => n.isUnschedulable || isGoing(n)
export const hasStartupTaint = (n: Node): boolean => n.taints.some((t) => t.key === startupTaint)

/** Where a node runs, as far as addresses and groups are concerned. */
export type Placement =
  | { readonly _tag: "Instance"; readonly instanceId: string }
  /** The cloud controller has not written providerID yet: wait. */
  | { readonly _tag: "NotYet" }
  | { readonly _tag: "Unsupported"; readonly providerID: string }

/** `aws:///<zone>/i-<hex>` only; Fargate and other providers have no EC2 instance of their own. */
export const placementOnAws = (n: Node): Placement => {
  if (n.providerID === undefined) return { _tag: "NotYet" }
  const match = /^aws:\/\/\/[^/]+\/(i-[0-9a-f]+)$/.exec(n.providerID)
  return match?.[1] === undefined
    ? { _tag: "Unsupported", providerID: n.providerID }
    : { _tag: "Instance", instanceId: match[1] }
}
