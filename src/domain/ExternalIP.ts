/**
 * The custom resource ExternalIP: one static public address, perhaps on a node.
 * Rule: the Schemas here are the only definition; the CRD is generated from them.
 */
import { Result, Schema } from "effect"
import { type Condition, Conditions, compact } from "./Condition.ts"
import type { Fields } from "./Fields.ts"
import * as Metadata from "./Metadata.ts"
import { autoAssignLabel, externalIPFinalizer } from "./Names.ts"
import { decodeSpec, decodeStatus, type Raw, withoutUnset } from "./Object.ts"

export const Spec = Schema.Struct({
  nodeName: Schema.optionalKey(
    Schema.String.annotate({
      description:
        "The node that must hold the address. Unset: the address is reserved and attached to nothing."
    })
  ),
  disableReconciliation: Schema.optionalKey(
    Schema.Boolean.annotate({
      description:
        "Leave this object alone. Deleting it still cleans up, and releases the address unless preventEIPDeallocation is set.",
      default: false
    })
  ),
  preventEIPDeallocation: Schema.optionalKey(
    Schema.Boolean.annotate({
      description: "Keep the Elastic IP allocated when this object is deleted.",
      default: false
    })
  )
}).annotate({ description: "What is wanted.", default: {} })
export type Spec = typeof Spec.Type

export const State = Schema.Literals(["Pending", "Reserved", "Associated"]).annotate({
  description: "Pending: no address is allocated. Reserved: allocated. Associated: attached to the node."
})
export type State = typeof State.Type

export const statusFields = {
  state: State,
  addressID: Schema.String.annotate({ description: "Allocation id of the Elastic IP." }),
  publicIPAddress: Schema.String.annotate({ description: "The address itself." }),
  instanceID: Schema.String.annotate({ description: "The EC2 instance it is attached to." }),
  networkInterfaceID: Schema.String.annotate({ description: "The network interface it is attached to." }),
  observedGeneration: Schema.Int.annotate({ description: "The generation of the spec that was acted on." }),
  conditions: Conditions
}

export interface Status {
  readonly state?: State
  readonly addressID?: string
  readonly publicIPAddress?: string
  readonly instanceID?: string
  readonly networkInterfaceID?: string
  readonly observedGeneration?: number
  readonly conditions?: ReadonlyArray<Condition>
}

export interface ExternalIP {
  readonly metadata: Metadata.Metadata
  /** The decoded spec, or in one line why it cannot be decoded. */
  readonly spec: Result.Result<Spec, string>
  readonly status: Status
}

const spec = decodeSpec(Spec)
const status = decodeStatus<Status>(statusFields)

/** What `decode` reads. */
export const fields: Fields = { metadata: Metadata.fieldsWith(autoAssignLabel), spec: true, status: true }

export const decode = (raw: Raw): ExternalIP => ({
  metadata: Metadata.compact(Metadata.decode(raw.metadata)),
  spec: spec(withoutUnset(raw.spec ?? {})),
  status: compact(status(raw.status))
})

export const nodeName = (e: ExternalIP): string | undefined =>
  Result.isSuccess(e.spec) ? e.spec.success.nodeName : undefined
export const isDisabled = (e: ExternalIP): boolean =>
  Result.isSuccess(e.spec) && e.spec.success.disableReconciliation === true
export const isKept = (e: ExternalIP): boolean =>
  // An unreadable spec keeps its address: never release what might have been asked to stay.
  Result.isFailure(e.spec) || e.spec.success.preventEIPDeallocation === true
/** The operator made it and may write its spec. */
export const isAutoAssigned = (e: ExternalIP): boolean => e.metadata.labels[autoAssignLabel] === "true"
export const isDeleting = (e: ExternalIP): boolean => Metadata.isDeleting(e.metadata)
export const hasFinalizer = (e: ExternalIP): boolean => e.metadata.finalizers.includes(externalIPFinalizer)
