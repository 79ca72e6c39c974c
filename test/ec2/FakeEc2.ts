/**
 * An Ec2 service of which a test defines only the calls it expects.
 * Rule: a call that was not expected is a defect, so that it cannot pass unseen.
 */
import { Effect } from "effect"
import type { Address, Instance, NetworkInterface, SecurityGroup, Service } from "../../src/ec2/Ec2.ts"
import { Ec2Error, fromCode } from "../../src/ec2/Ec2Error.ts"

const unexpected = (call: string) => () => Effect.die(`an unexpected ${call}`)

export const fake = (calls: Partial<Service>): Service => ({
  describeAddresses: unexpected("describeAddresses"),
  describeSecurityGroups: unexpected("describeSecurityGroups"),
  describeInstances: unexpected("describeInstances"),
  describeNetworkInterfaces: unexpected("describeNetworkInterfaces"),
  allocateAddress: unexpected("allocateAddress"),
  associateAddress: unexpected("associateAddress"),
  disassociateAddress: unexpected("disassociateAddress"),
  releaseAddress: unexpected("releaseAddress"),
  createSecurityGroup: unexpected("createSecurityGroup"),
  deleteSecurityGroup: unexpected("deleteSecurityGroup"),
  authorizeSecurityGroupRules: unexpected("authorizeSecurityGroupRules"),
  revokeSecurityGroupRules: unexpected("revokeSecurityGroupRules"),
  updateSecurityGroupRuleDescriptions: unexpected("updateSecurityGroupRuleDescriptions"),
  modifyNetworkInterfaceGroups: unexpected("modifyNetworkInterfaceGroups"),
  createTags: unexpected("createTags"),
  ...calls
})

export const refusal = (code: string) =>
  new Ec2Error({ operation: "Test", reason: fromCode(code, "of the test") })

export const address = (allocationId: string, fields: Partial<Address> = {}): Address => ({
  allocationId,
  publicIp: "192.0.2.1",
  tags: {},
  association: undefined,
  ...fields
})

export const group = (groupId: string, fields: Partial<SecurityGroup> = {}): SecurityGroup => ({
  groupId,
  name: `name of ${groupId}`,
  vpcId: "vpc-1",
  tags: {},
  ingress: [],
  egress: [],
  ...fields
})

export const networkInterface = (
  networkInterfaceId: string,
  fields: Partial<NetworkInterface> = {}
): NetworkInterface => ({
  networkInterfaceId,
  vpcId: "vpc-1",
  instanceId: "i-1",
  deviceIndex: 0,
  groupIds: ["sg-default"],
  publicIp: undefined,
  ...fields
})

export const instance = (
  instanceId: string,
  interfaces: ReadonlyArray<NetworkInterface> = [],
  fields: Partial<Instance> = {}
): Instance => ({ instanceId, state: "running", vpcId: "vpc-1", interfaces, ...fields })
