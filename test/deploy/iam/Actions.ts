/**
 * The EC2 actions that the operator is promised to work with.
 * Rule: written out here, and read from no policy, so that the policies can be held against it.
 */

/** It works with these and no more; one is never called. */
export const baseActions: ReadonlyArray<string> = [
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
/** The operator does without them when they are refused. */
export const optionalActions: ReadonlyArray<string> = [
  "UpdateSecurityGroupRuleDescriptionsEgress",
  "UpdateSecurityGroupRuleDescriptionsIngress"
]
