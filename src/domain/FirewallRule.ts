/**
 * The custom resource FirewallRule: ports opened on the node it targets.
 * Rule: the Schemas here are the only definition; the CRD is generated from them.
 */
import { Result, Schema } from "effect"
import { Condition } from "./Condition.ts"
import * as Metadata from "./Metadata.ts"
import { firewallRuleFinalizer } from "./Names.ts"
import { decodeSpec, decodeStatus, type Raw, withoutUnset } from "./Object.ts"
import * as Permission from "./Permission.ts"

export const IPRange = Schema.Struct({
  cidr: Schema.String,
  description: Schema.optionalKey(Schema.NullOr(Schema.String))
})

export const Spec = Schema.Struct({
  nodeName: Schema.optionalKey(Schema.String),
  publicIPAddress: Schema.optionalKey(Schema.String),
  description: Schema.optionalKey(Schema.String),
  direction: Schema.Literals(["Ingress", "Egress"]),
  protocol: Schema.String,
  fromPort: Schema.Number,
  toPort: Schema.optionalKey(Schema.Number),
  ipRanges: Schema.Array(IPRange),
  disableReconciliation: Schema.optionalKey(Schema.Boolean)
})
export type Spec = typeof Spec.Type

export const State = Schema.Literals(["Pending", "Applied"])
export type State = typeof State.Type

export interface Status {
  readonly state?: State
  readonly firewallRuleID?: string
  readonly instanceID?: string
  readonly networkInterfaceID?: string
  readonly nodeName?: string
  readonly observedGeneration?: number
  readonly lastTransitionTime?: string
  readonly conditions?: ReadonlyArray<Condition>
}

export interface FirewallRule {
  readonly metadata: Metadata.Metadata
  /** The decoded spec, or in one line why it can never work. */
  readonly spec: Result.Result<Spec, string>
  /** The EC2 rules it asks for, one per range, canonical; empty where the spec cannot be decoded. */
  readonly permissions: ReadonlyArray<Permission.Permission>
  readonly status: Status
}

const decodeSpecOnly = decodeSpec(Spec)
const status = decodeStatus<Status>({
  state: State,
  firewallRuleID: Schema.String,
  instanceID: Schema.String,
  networkInterfaceID: Schema.String,
  nodeName: Schema.String,
  observedGeneration: Schema.Number,
  lastTransitionTime: Schema.String,
  conditions: Schema.Array(Condition)
})

export const decode = (raw: Raw): FirewallRule => {
  const spec = decodeSpecOnly(withoutUnset(raw.spec ?? {}))
  const permissions = Result.flatMap(spec, Permission.fromSpec)
  return {
    metadata: Metadata.decode(raw.metadata),
    spec: Result.flatMap(permissions, () => spec),
    permissions: Result.getOrElse(permissions, () => []),
    status: status(raw.status)
  }
}

export const isDisabled = (r: FirewallRule): boolean =>
  Result.isSuccess(r.spec) && r.spec.success.disableReconciliation === true
export const isDeleting = (r: FirewallRule): boolean => Metadata.isDeleting(r.metadata)
export const hasFinalizer = (r: FirewallRule): boolean =>
  r.metadata.finalizers.includes(firewallRuleFinalizer)

export const publicIPAddress = (r: FirewallRule): string | undefined =>
  Result.isSuccess(r.spec) ? r.spec.success.publicIPAddress : undefined
/** The node it names; an address that it follows wins, with no fallback to the name. */
export const nodeName = (r: FirewallRule): string | undefined =>
  Result.isSuccess(r.spec) && r.spec.success.publicIPAddress === undefined
    ? r.spec.success.nodeName
    : undefined
