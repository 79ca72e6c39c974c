/**
 * The custom resource FirewallRule: ports opened on the node it targets.
 * Rule: the Schemas here are the only definition; the CRD is generated from them.
 */
import { Result, Schema } from "effect"
import { type Condition, Conditions, compact } from "./Condition.ts"
import { check } from "./crd/Rule.ts"
import * as Description from "./Description.ts"
import type { Fields } from "./Fields.ts"
import { isAddressOrUnset, isCidr } from "./IPv4.ts"
import * as Metadata from "./Metadata.ts"
import { firewallRuleFinalizer } from "./Names.ts"
import { decodeSpec, decodeStatus, isFields, type Raw, withoutUnset } from "./Object.ts"
import * as Permission from "./Permission.ts"
import * as Ports from "./Ports.ts"
import { isProtocol } from "./Protocol.ts"
import { once, word } from "./Shared.ts"

export const IPRange = Schema.Struct({
  cidr: Schema.String.check(Schema.isMaxCodePoints(64), check(isCidr)).annotate({
    description: "An IPv4 range such as 10.0.0.0/8. Bits behind the prefix are ignored, as EC2 ignores them."
  }),
  description: Schema.optionalKey(
    Schema.String.check(Schema.isMaxCodePoints(Description.longest), check(Description.ofRange)).annotate({
      description: "Description of this range in EC2; spec.description where it is empty.",
      default: ""
    })
  )
})

export const Spec = Schema.Struct({
  nodeName: Schema.optionalKey(Schema.String.annotate({ description: "The node the rule is opened on." })),
  publicIPAddress: Schema.optionalKey(
    Schema.String.check(Schema.isMaxCodePoints(64), check(isAddressOrUnset)).annotate({
      description:
        "Opens the rule on the node where the ExternalIP with this address is associated, and follows it. Wins over nodeName."
    })
  ),
  description: Schema.String.annotate({
    description: "Used in EC2, when authorising, for ranges without a description of their own."
  }),
  direction: Schema.Literals(["Ingress", "Egress"]).annotate({ description: "Into the node, or out of it." }),
  protocol: Schema.String.check(Schema.isMaxCodePoints(16), check(isProtocol)).annotate({
    description: "tcp, udp, icmp, icmpv6, a protocol number, or -1 for all; in any letter case."
  }),
  fromPort: Schema.Int.annotate({
    description: "First port, or the ICMP type (-1: all). Without meaning for other protocols."
  }),
  toPort: Schema.optionalKey(
    Schema.Int.annotate({
      description: "Last port, or the ICMP code. Unset: fromPort for tcp and udp, -1 (all) for ICMP."
    })
  ),
  // EC2 takes at most 1000 rules on one interface, all its groups together (VPC quotas).
  ipRanges: Schema.Array(IPRange).check(Schema.isMinLength(1), Schema.isMaxLength(1000)).annotate({
    description: "IPv4 ranges the rule is opened to."
  }),
  disableReconciliation: Schema.optionalKey(
    Schema.Boolean.annotate({
      description:
        "What it describes and is open stays open; nothing of it is opened. Deleting it still closes it.",
      default: false
    })
  )
})
  .check(check(Description.ofSpec), ...Ports.rules.map(check))
  .annotate({ description: "What is wanted." })
export type Spec = typeof Spec.Type

export const State = Schema.Literals(["Pending", "Applied"]).annotate({
  description: "Applied: open on the node. Pending: not, or not yet."
})
export type State = typeof State.Type

export const statusFields = {
  state: State,
  firewallRuleID: Schema.String.annotate({ description: "Id of the security group that holds the rule." }),
  instanceID: Schema.String.annotate({ description: "The EC2 instance it is open on." }),
  networkInterfaceID: Schema.String.annotate({ description: "The network interface it is open on." }),
  nodeName: Schema.String.annotate({ description: "The node it is open on." }),
  observedGeneration: Schema.Int.annotate({ description: "The generation of the spec that was acted on." }),
  lastTransitionTime: Schema.String.annotate({
    description: "When the state last changed.",
    format: "date-time"
  }),
  conditions: Conditions
}

/** Written by the Go implementation; stored objects may carry it. */
export const formerStatusFields = {
  lastApplied: Schema.String.annotate({ description: "No longer written." })
}

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
/** "" counts as unset, and is what a spec without a description says. */
const withDescription = (spec: unknown): unknown => (isFields(spec) ? { description: "", ...spec } : spec)
const status = decodeStatus<Status>(statusFields)

/** What `decode` reads. */
export const fields: Fields = { metadata: Metadata.fieldsWith(), spec: true, status: true }

export const decode = (raw: Raw): FirewallRule => {
  const spec = Result.map(decodeSpecOnly(withDescription(withoutUnset(raw.spec ?? {}))), (read) => ({
    ...read,
    description: word(read.description),
    ipRanges: once(read.ipRanges)
  }))
  const permissions = Result.flatMap(spec, Permission.fromSpec)
  return {
    metadata: Metadata.compact(Metadata.decode(raw.metadata)),
    spec: Result.flatMap(permissions, () => spec),
    permissions: once(Result.getOrElse(permissions, () => [])),
    status: compact(status(raw.status))
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
