/**
 * Calls that the operator never makes and that nobody who got hold of its credentials may make either.
 * Rule: each differs from an allowed one in a single respect, so that it stands for the condition that refuses it.
 */
import { Tag, type Tags } from "../../../src/domain/Names.ts"
import type { Account } from "./Account.ts"
import { fromService, type Recorded } from "./Call.ts"
import { type Place, place } from "./Policy.ts"

const ours: Tags = { [Tag.managed]: "true", [Tag.clusterId]: place.clusterId }
const theirs: Tags = { [Tag.managed]: "true", [Tag.clusterId]: "another-cluster" }

const account: Account = {
  addresses: [
    { allocationId: "eipalloc-ours", tags: ours },
    { allocationId: "eipalloc-theirs", tags: theirs },
    { allocationId: "eipalloc-plain", tags: {} },
    {
      allocationId: "eipalloc-abroad",
      tags: ours,
      associationId: "eipassoc-abroad",
      networkInterfaceId: "eni-abroad"
    },
    {
      allocationId: "eipalloc-used",
      tags: theirs,
      associationId: "eipassoc-used",
      networkInterfaceId: "eni-here"
    }
  ],
  groups: [
    { groupId: "sg-ours", vpcId: place.vpcId, tags: ours },
    { groupId: "sg-theirs", vpcId: place.vpcId, tags: theirs },
    { groupId: "sg-plain", vpcId: place.vpcId, tags: {} },
    { groupId: "sg-abroad", vpcId: "vpc-abroad", tags: {} }
  ],
  interfaces: [
    { networkInterfaceId: "eni-here", vpcId: place.vpcId, tags: {} },
    { networkInterfaceId: "eni-abroad", vpcId: "vpc-abroad", tags: {} }
  ]
}

export interface Forbidden {
  readonly what: string
  readonly call: Recorded
  /** Where the call is made; what is not said is where the policy is for. */
  readonly where: Place
}

const forbidden = (
  what: string,
  action: string,
  request: unknown,
  where: Partial<Place> = {}
): Forbidden => ({
  what,
  call: { ...fromService(action, request), account },
  where: { ...place, ...where }
})

const rules = (groupId: string) => ({ groupId, permissions: [] })

export const calls: ReadonlyArray<Forbidden> = [
  forbidden("reading another region", "DescribeAddresses", {}, { region: "us-east-1" }),

  forbidden("allocating an address without tags", "AllocateAddress", { tags: {} }),
  forbidden("allocating an address for another cluster", "AllocateAddress", { tags: theirs }),
  forbidden("allocating in another region", "AllocateAddress", { tags: ours }, { region: "us-east-1" }),
  forbidden("allocating an address with a tag that means something elsewhere", "AllocateAddress", {
    tags: { ...ours, "cost-center": "1" }
  }),

  forbidden("releasing an address of another cluster", "ReleaseAddress", { allocationId: "eipalloc-theirs" }),
  forbidden("releasing an address without tags", "ReleaseAddress", { allocationId: "eipalloc-plain" }),
  forbidden("attaching an address of another cluster", "AssociateAddress", {
    allocationId: "eipalloc-theirs",
    networkInterfaceId: "eni-here"
  }),
  forbidden("attaching an address in another VPC", "AssociateAddress", {
    allocationId: "eipalloc-ours",
    networkInterfaceId: "eni-abroad"
  }),
  forbidden("taking off an address of another cluster", "DisassociateAddress", {
    associationId: "eipassoc-used"
  }),
  forbidden("taking off an address in another VPC", "DisassociateAddress", {
    associationId: "eipassoc-abroad"
  }),

  forbidden("making a group without tags", "CreateSecurityGroup", { vpcId: place.vpcId, tags: {} }),
  forbidden("making a group of another cluster", "CreateSecurityGroup", { vpcId: place.vpcId, tags: theirs }),
  forbidden("making a group in another VPC", "CreateSecurityGroup", { vpcId: "vpc-abroad", tags: ours }),
  forbidden("making a group that load balancers take for theirs", "CreateSecurityGroup", {
    vpcId: place.vpcId,
    tags: { ...ours, "kubernetes.io/cluster/prod": "owned" }
  }),

  forbidden(
    "opening a port in a group of another cluster",
    "AuthorizeSecurityGroupIngress",
    rules("sg-theirs")
  ),
  forbidden("opening a port in a group without tags", "AuthorizeSecurityGroupIngress", rules("sg-plain")),
  forbidden("letting out of a group without tags", "AuthorizeSecurityGroupEgress", rules("sg-plain")),
  forbidden("closing a port in a group of another cluster", "RevokeSecurityGroupIngress", rules("sg-theirs")),
  forbidden("closing the way out of a group without tags", "RevokeSecurityGroupEgress", rules("sg-plain")),
  forbidden("deleting a group without tags", "DeleteSecurityGroup", { groupId: "sg-plain" }),

  forbidden("changing an interface in another VPC", "ModifyNetworkInterfaceAttribute", {
    networkInterfaceId: "eni-abroad",
    groupIds: ["sg-ours"]
  }),
  forbidden("putting a group of another VPC on an interface", "ModifyNetworkInterfaceAttribute", {
    networkInterfaceId: "eni-here",
    groupIds: ["sg-abroad"]
  }),

  forbidden("taking an address without tags for its own", "CreateTags", {
    resourceIds: ["eipalloc-plain"],
    tags: ours
  }),
  forbidden("taking a group of another cluster for its own", "CreateTags", {
    resourceIds: ["sg-theirs"],
    tags: ours
  }),
  forbidden("taking both at once, one of them its own", "CreateTags", {
    resourceIds: ["sg-ours", "sg-theirs"],
    tags: ours
  }),
  forbidden("giving an own address to another cluster", "CreateTags", {
    resourceIds: ["eipalloc-ours"],
    tags: theirs
  }),
  forbidden("giving an own group a tag that load balancers act on", "CreateTags", {
    resourceIds: ["sg-ours"],
    tags: { "kubernetes.io/cluster/prod": "owned" }
  }),
  forbidden("tagging an interface", "CreateTags", { resourceIds: ["eni-here"], tags: ours })
]
