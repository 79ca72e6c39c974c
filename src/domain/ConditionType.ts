/**
 * The conditions of the two custom resources, with what each status of each of them says.
 * Rule: a condition is defined by its explanation, kind by kind, so that there is none without.
 */

interface Explanation {
  readonly whenTrue: string
  readonly whenFalse: string
  readonly whenUnknown?: string
}
type OfKind = Readonly<Record<string, Explanation>>

const ExternalIP = {
  IPCreated: {
    whenTrue: "An Elastic IP is allocated, and is the one in status.",
    whenFalse: "None is, and the reason says why.",
    whenUnknown: "One is being allocated: `Allocating`. Since when says `lastTransitionTime`."
  },
  NetworkInterfaceAssociated: {
    whenTrue: "The address is attached to a network interface of the node.",
    whenFalse: "It is not, and the reason says why; `NotRequested` where no node is named."
  },
  Ready: {
    whenTrue: "All is as asked: attached to `spec.nodeName`, or reserved where no node is named.",
    whenFalse: "It is not, or not yet, and the reason says why.",
    whenUnknown: "`ReconciliationDisabled`."
  }
} as const satisfies OfKind

const FirewallRule = {
  SecurityGroupCreated: {
    whenTrue: "The node has its security group, the one in `status.firewallRuleID`.",
    whenFalse: "It has none, and the reason says why."
  },
  NetworkInterfaceAssociated: {
    whenTrue: "The security group is on a network interface of the node.",
    whenFalse: "It is not, and the reason says why."
  },
  SecurityGroupRuleAuthorized: {
    whenTrue: "Every range of the rule is in the security group.",
    whenFalse: "It is not, and the reason says why."
  },
  Ready: {
    whenTrue: "The rule is open on its node.",
    whenFalse: "It is not, or not yet; `NotRequested` where it has no target.",
    whenUnknown: "`ReconciliationDisabled`."
  }
} as const satisfies OfKind

export const explanations = { ExternalIP, FirewallRule } as const

export type ConditionType = keyof typeof ExternalIP | keyof typeof FirewallRule

export const ConditionType = Object.fromEntries(
  Object.keys({ ...ExternalIP, ...FirewallRule }).map((type) => [type, type])
) as { readonly [T in ConditionType]: T }
