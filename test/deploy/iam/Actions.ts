/**
 * The EC2 actions that the operator is promised to work with.
 * Rule: as the contract has them; tests hold policies and calls against these lists, never the other way round.
 */

/** The whole of what it needs. */
export const base: ReadonlyArray<string> = [
  "DescribeSecurityGroups",
  "CreateSecurityGroup",
  "DeleteSecurityGroup",
  "AuthorizeSecurityGroupIngress",
  "RevokeSecurityGroupIngress",
  "AuthorizeSecurityGroupEgress",
  "RevokeSecurityGroupEgress",
  "DescribeAddresses",
  "AllocateAddress",
  "ReleaseAddress",
  "AssociateAddress",
  "DisassociateAddress",
  "DescribeInstances",
  "ModifyInstanceAttribute",
  "DescribeNetworkInterfaces",
  "ModifyNetworkInterfaceAttribute",
  "CreateTags"
]

/** In the policies of the Go implementation, and never called. */
export const neverCalled: ReadonlyArray<string> = ["ModifyInstanceAttribute"]

/** Used where they are permitted, and done without where they are not. */
export const optional: ReadonlyArray<string> = [
  "UpdateSecurityGroupRuleDescriptionsEgress",
  "UpdateSecurityGroupRuleDescriptionsIngress"
]
