/**
 * The request buckets of EC2, per action, account and region, shared with everybody in the account.
 * Rule: figures of "Request throttling for the Amazon EC2 API"; an action that is not listed has the smallest.
 */
export interface Bucket {
  /** Requests that can be made at once. */
  readonly capacity: number
  /** Requests per second that come back. */
  readonly refill: number
}

const mutation: Bucket = { capacity: 50, refill: 5 }
const describe: Bucket = { capacity: 100, refill: 20 }

const table: Readonly<Record<string, Bucket>> = {
  AllocateAddress: mutation,
  AssociateAddress: mutation,
  DisassociateAddress: mutation,
  ReleaseAddress: mutation,
  DescribeAddresses: describe,
  DescribeInstances: describe,
  DescribeNetworkInterfaces: describe,
  DescribeSecurityGroups: describe,
  ModifyNetworkInterfaceAttribute: { capacity: 100, refill: 5 },
  CreateSecurityGroup: mutation,
  DeleteSecurityGroup: mutation,
  AuthorizeSecurityGroupIngress: mutation,
  AuthorizeSecurityGroupEgress: mutation,
  RevokeSecurityGroupIngress: mutation,
  RevokeSecurityGroupEgress: mutation,
  UpdateSecurityGroupRuleDescriptionsIngress: mutation,
  UpdateSecurityGroupRuleDescriptionsEgress: mutation,
  CreateTags: { capacity: 100, refill: 10 }
}

export const actions: ReadonlyArray<string> = Object.keys(table)

export const bucketOf = (action: string): Bucket => table[action] ?? mutation
