/**
 * The custom resource ExternalIP: one static public address, perhaps on a node.
 * Rule: the Schemas here are the only definition; the CRD is generated from them.
 */
import { Result, Schema } from "effect"
import { Condition } from "./Condition.ts"
import * as Metadata from "./Metadata.ts"
import { autoAssignLabel, externalIPFinalizer } from "./Names.ts"
import { decodeSpec, decodeStatus, type Raw, withoutUnset } from "./Object.ts"

export const Spec = Schema.Struct({
  nodeName: Schema.optionalKey(Schema.String),
  disableReconciliation: Schema.optionalKey(Schema.Boolean),
  preventEIPDeallocation: Schema.optionalKey(Schema.Boolean)
})
export type Spec = typeof Spec.Type

export const State = Schema.Literals(["Pending", "Reserved", "Associated"])
export type State = typeof State.Type

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
const status = decodeStatus<Status>({
  state: State,
  addressID: Schema.String,
  publicIPAddress: Schema.String,
  instanceID: Schema.String,
  networkInterfaceID: Schema.String,
  observedGeneration: Schema.Number,
  conditions: Schema.Array(Condition)
})

export const decode = (raw: Raw): ExternalIP => ({
  metadata: Metadata.decode(raw.metadata),
  spec: spec(withoutUnset(raw.spec ?? {})),
  status: status(raw.status)
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
