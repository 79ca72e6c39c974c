/**
 * Every reason why something is not as asked, with what it means and what a person can do about it.
 * Rule: reasons are API; one is defined by its explanation, so that there is none without.
 */

type Kind = "ExternalIP" | "FirewallRule"

interface Explanation {
  /** The kinds of objects that say it. */
  readonly on: ReadonlyArray<Kind>
  readonly meaning: string
  readonly remedy: string
}

const address: ReadonlyArray<Kind> = ["ExternalIP"]
const rule: ReadonlyArray<Kind> = ["FirewallRule"]
const both: ReadonlyArray<Kind> = ["ExternalIP", "FirewallRule"]

const nothing = "Nothing:"

export const explanations = {
  NotRequested: {
    on: both,
    meaning:
      "The object asks for no node. Of an ExternalIP: `spec.nodeName` is not set, and its address is reserved. Of a FirewallRule: neither `spec.nodeName` nor `spec.publicIPAddress` is set, or no ExternalIP with that address is attached to a node.",
    remedy: "Nothing, or name a node."
  },
  Allocating: {
    on: address,
    meaning:
      "An Elastic IP is being allocated. After an answer that was lost it is looked for by its tags before another is allocated, so that none is bought twice.",
    remedy: `${nothing} it takes two minutes at the most.`
  },
  NodeNotFound: {
    on: both,
    meaning: "The node that is named does not exist, or has no `spec.providerID` yet.",
    remedy: `${nothing} it goes on when the node appears. Correct \`spec.nodeName\` if it never will.`
  },
  NodeRetrievalError: {
    on: rule,
    meaning:
      "The node is there, but not what is needed of it: its `spec.providerID`, its running instance in EC2, or the turn of this rule among those of the node.",
    remedy: `${nothing} it goes on by itself. If it stays, see in EC2 whether the instance runs.`
  },
  NodeAlreadyHasAddress: {
    on: address,
    meaning:
      "Another ExternalIP holds or claims the node (the one attached wins, else the older), or an Elastic IP of somebody else is on its interface. An address is never displaced.",
    remedy: "Delete or move the other ExternalIP, or disassociate the other address."
  },
  NoPublicInterface: {
    on: both,
    meaning: "No network interface of the instance has a public IPv4 address.",
    remedy:
      "Launch nodes in a public subnet with public addresses, or run the operator with `--interface-selection=primary`."
  },
  UnsupportedNode: {
    on: both,
    meaning: "The node is no EC2 instance: its `spec.providerID` is not `aws:///ZONE/i-ID`.",
    remedy: "Name another node."
  },
  OtherVpc: {
    on: both,
    meaning: "The instance is in another VPC than the one given by `--vpc-id`.",
    remedy: "Name another node, or leave out `--vpc-id`."
  },
  AddressNotOwned: {
    on: both,
    meaning:
      "What `status.addressID` or `status.firewallRuleID` names in EC2 does not carry the tags of this object and cluster. It is left alone, and nothing is allocated or made in its place.",
    remedy:
      "If it belongs to this cluster under an earlier id (`unset` is the default of the Go implementation), run the operator with `--adopt-cluster-id=ID`. Else correct its tags, or delete the object."
  },
  GroupNameTaken: {
    on: rule,
    meaning: "The name that the security group of the node must have belongs to a group without our tags.",
    remedy:
      "Delete or rename that group, or run the operator with `--adopt-cluster-id` if it is one of its own."
  },
  AddressLimitExceeded: {
    on: address,
    meaning: "The account has as many Elastic IPs in the region as its quota allows (5 in a new account).",
    remedy:
      "Raise the quota EC2-VPC Elastic IPs, or release addresses that are not used. Tried again every three minutes."
  },
  RuleLimitExceeded: {
    on: rule,
    meaning:
      "The security group of the node holds as many rules as the quota allows (60 per direction). The oldest FirewallRules come first.",
    remedy: "Raise the quota of rules per security group, join ranges, or delete rules."
  },
  GroupLimitExceeded: {
    on: rule,
    meaning: "The account has as many security groups in the region as its quota allows (2,500).",
    remedy: "Raise the quota of VPC security groups per region, or delete groups."
  },
  GroupsPerInterfaceLimitExceeded: {
    on: rule,
    meaning:
      "The network interface of the node carries as many security groups as the quota allows (5). Groups of others are never taken off.",
    remedy: "Raise the quota of security groups per network interface, or take a group off the interface."
  },
  Throttled: {
    on: both,
    meaning: "EC2 limits the rate of requests of the account, and others use it up.",
    remedy: `${nothing} it is tried again, ever slower. If it stays, see who calls EC2, and \`--ec2-rate-share\`.`
  },
  Forbidden: {
    on: both,
    meaning:
      "The credentials or the IAM policy of the operator do not allow an EC2 action. The message names it.",
    remedy: "Correct the policy (see deploy/iam). It is tried again every three minutes."
  },
  ProviderError: {
    on: both,
    meaning: "EC2 or the API server answered with another error, or not in time. The message has its words.",
    remedy: `${nothing} it is tried again, ever slower, five minutes at the most. If it stays, read the message.`
  },
  InvalidRule: {
    on: rule,
    meaning:
      "The object asks for what can never work, or EC2 refuses this one rule. What is open because of it stays open.",
    remedy: "Correct the field that the message names, or delete the object."
  },
  InvalidSpec: {
    on: address,
    meaning:
      "The spec cannot be understood. Its address stays as it is, and is kept when the object is deleted.",
    remedy: "Correct the field that the message names, or delete the object."
  },
  ReconciliationDisabled: {
    on: both,
    meaning: "`spec.disableReconciliation` is true: the object is left alone.",
    remedy: "As asked. Set it to false to go on."
  },
  Deleting: {
    on: both,
    meaning: "The object is being deleted, and what it stands for in EC2 is not all gone yet.",
    remedy: `${nothing} the finalizer goes when nothing is left. If it stays, read the message: EC2 may refuse what has to be done.`
  }
} as const satisfies Readonly<Record<string, Explanation>>

export type FailureReason = keyof typeof explanations

export const isFailureReason = (text: string): text is FailureReason => Object.hasOwn(explanations, text)

/** Failure reasons. On success a condition's reason is its own type name, as the Go implementation has it. */
export const Reason = Object.fromEntries(Object.keys(explanations).map((r) => [r, r])) as {
  readonly [R in FailureReason]: R
}
