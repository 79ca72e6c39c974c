/**
 * The custom resource FirewallRule: ports opened on the node it targets.
 * Rule: the Schemas here are the only definition; the CRD is generated from them.
 */
import { Result, Schema } from "effect"
import { type Condition, Conditions } from "./Condition.ts"
import * as Metadata from "./Metadata.ts"
import { firewallRuleFinalizer } from "./Names.ts"
import { decodeSpec, decodeStatus, type Raw, withoutUnset } from "./Object.ts"
import * as Permission from "./Permission.ts"

const octet = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
/** Dotted IPv4, without leading zeros, in the RE2 syntax that CEL and JavaScript share. */
const ipv4 = `(${octet}[.]){3}${octet}`
const cidr = `^${ipv4}/(3[0-2]|[12]?[0-9])$`
/** What EC2 takes in the description of a rule (IpRange.Description). */
const description = "^[a-zA-Z0-9 ._:/()#,@+=&;{}!$*\\\\[\\\\]-]*$"

const ported = "self.protocol.lowerAscii() in ['tcp', 'udp', '6', '17']"
const icmp = "self.protocol.lowerAscii() in ['icmp', 'icmpv6', '1', '58']"

export const IPRange = Schema.Struct({
  cidr: Schema.String.annotate({
    description: "An IPv4 range such as 10.0.0.0/8. Bits behind the prefix are ignored, as EC2 ignores them.",
    maxLength: 64,
    rules: [{ rule: `self.matches('${cidr}')`, message: "must be an IPv4 CIDR such as 10.0.0.0/8" }]
  }),
  description: Schema.optionalKey(
    Schema.NullOr(Schema.String).annotate({
      description: "Description of this range in EC2; spec.description where it is empty.",
      default: "",
      maxLength: 255,
      rules: [
        {
          rule: `self.matches('${description}')`,
          message: "may hold a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=&;{}!$*"
        }
      ]
    })
  )
})

export const Spec = Schema.Struct({
  nodeName: Schema.optionalKey(Schema.String.annotate({ description: "The node the rule is opened on." })),
  publicIPAddress: Schema.optionalKey(
    Schema.String.annotate({
      description:
        "Opens the rule on the node where the ExternalIP with this address is associated, and follows it. Wins over nodeName.",
      maxLength: 64,
      rules: [{ rule: `self == '' || self.matches('^${ipv4}$')`, message: "must be an IPv4 address" }]
    })
  ),
  description: Schema.optionalKey(
    Schema.String.annotate({
      description: "Used in EC2, when authorising, for ranges without a description of their own.",
      maxLength: 4096
    })
  ),
  direction: Schema.Literals(["Ingress", "Egress"]).annotate({ description: "Into the node, or out of it." }),
  protocol: Schema.String.annotate({
    description: "tcp, udp, icmp, icmpv6, a protocol number, or -1 for all; in any letter case.",
    maxLength: 16,
    rules: [
      {
        rule: "self.matches('^(?i)(tcp|udp|icmp|icmpv6|-1|[0-9]{1,3})$') && (!self.matches('^[0-9]+$') || int(self) <= 255)",
        message: "must be tcp, udp, icmp, icmpv6, a protocol number from 0 to 255, or -1 for all"
      }
    ]
  }),
  fromPort: Schema.Int.annotate({
    description: "First port, or the ICMP type (-1: all). Without meaning for other protocols.",
    format: "int64"
  }),
  toPort: Schema.optionalKey(
    Schema.Int.annotate({
      description: "Last port, or the ICMP code. Unset: fromPort for tcp and udp, -1 (all) for ICMP.",
      format: "int64"
    })
  ),
  ipRanges: Schema.Array(IPRange).annotate({
    description: "IPv4 ranges the rule is opened to.",
    minItems: 1,
    maxItems: 1000
  }),
  disableReconciliation: Schema.optionalKey(
    Schema.Boolean.annotate({
      description:
        "What it describes and is open stays open; nothing of it is opened. Deleting it still closes it.",
      default: false
    })
  )
}).annotate({
  description: "What is wanted.",
  required: ["description"],
  rules: [
    {
      rule: `!(${ported}) || (self.fromPort >= 0 && self.fromPort <= 65535)`,
      message: "fromPort must be a port from 0 to 65535",
      fieldPath: ".fromPort"
    },
    {
      rule: `!(${ported}) || !has(self.toPort) || (self.toPort >= 0 && self.toPort <= 65535)`,
      message: "toPort must be a port from 0 to 65535",
      fieldPath: ".toPort"
    },
    {
      rule: `!(${ported}) || !has(self.toPort) || self.fromPort <= self.toPort`,
      message: "toPort must not be below fromPort",
      fieldPath: ".toPort"
    },
    {
      rule: `!(${icmp}) || (self.fromPort >= -1 && self.fromPort <= 255)`,
      message: "fromPort must be an ICMP type from 0 to 255, or -1 for all",
      fieldPath: ".fromPort"
    },
    {
      rule: `!(${icmp}) || !has(self.toPort) || (self.toPort >= -1 && self.toPort <= 255)`,
      message: "toPort must be an ICMP code from 0 to 255, or -1 for all",
      fieldPath: ".toPort"
    },
    {
      rule: `!(${icmp}) || self.fromPort != -1 || !has(self.toPort) || self.toPort == -1`,
      message: "with all ICMP types (fromPort -1) the code is -1 too",
      fieldPath: ".toPort"
    },
    {
      // Only where it is used: a range with a description of its own does not need it.
      rule: `(size(self.description) <= 255 && self.description.matches('${description}')) || self.ipRanges.all(r, has(r.description) && r.description != '')`,
      message: "description may hold at most 255 of a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=&;{}!$*",
      fieldPath: ".description"
    }
  ]
})
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

/** Written by an earlier implementation; stored objects may carry it. */
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
const status = decodeStatus<Status>(statusFields)

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
