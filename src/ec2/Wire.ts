/**
 * EC2's wire shapes, as the SDK gives them, to ours and back.
 * Rule: the only place that knows the SDK's field names; absent, null and "" are all absent.
 */
import type * as Sdk from "@aws-sdk/client-ec2"
import type { Tags } from "../domain/Names.ts"
import type { IpPermission } from "../domain/Permission.ts"
import type { Address, Instance, NetworkInterface, SecurityGroup } from "./Ec2.ts"

const present = (value: string | undefined): string | undefined => value || undefined

const tagsOf = (tags: ReadonlyArray<Sdk.Tag> | undefined): Tags =>
  Object.fromEntries((tags ?? []).map((t) => [t.Key ?? "", t.Value ?? ""]))

export const toTags = (tags: Tags): Array<Sdk.Tag> =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))

/** EC2 refuses a specification without tags. */
export const toTagSpecification = (
  resource: "elastic-ip" | "security-group",
  tags: Tags
): Array<Sdk.TagSpecification> =>
  Object.keys(tags).length === 0 ? [] : [{ ResourceType: resource, Tags: toTags(tags) }]

export const fromAddress = (a: Sdk.Address): Address => {
  const associationId = present(a.AssociationId)
  return {
    allocationId: a.AllocationId ?? "",
    publicIp: a.PublicIp ?? "",
    tags: tagsOf(a.Tags),
    association:
      associationId === undefined
        ? undefined
        : {
            associationId,
            instanceId: present(a.InstanceId),
            networkInterfaceId: a.NetworkInterfaceId ?? ""
          }
  }
}

const fromPermission = (p: Sdk.IpPermission): IpPermission => ({
  protocol: p.IpProtocol ?? "-1",
  fromPort: p.FromPort,
  toPort: p.ToPort,
  ipv4: (p.IpRanges ?? []).map((r) => ({ source: r.CidrIp ?? "", description: r.Description ?? "" })),
  ipv6: (p.Ipv6Ranges ?? []).map((r) => ({ source: r.CidrIpv6 ?? "", description: r.Description ?? "" })),
  prefixLists: (p.PrefixListIds ?? []).map((r) => ({
    source: r.PrefixListId ?? "",
    description: r.Description ?? ""
  })),
  groups: (p.UserIdGroupPairs ?? []).map((r) => ({
    source: fromPair(r),
    description: r.Description ?? ""
  }))
})

/** "account/group": EC2 finds a group of another account by both only (UserIdGroupPair, "UserId"). */
const fromPair = ({ GroupId, UserId }: Sdk.UserIdGroupPair): string =>
  present(UserId) === undefined ? (GroupId ?? "") : `${UserId}/${GroupId ?? ""}`

const toPair = (source: string): Sdk.UserIdGroupPair => {
  const [groupId, userId] = source.split("/").toReversed()
  return { GroupId: groupId, ...(userId === undefined ? {} : { UserId: userId }) }
}

/** An empty description is left out: EC2 has no such thing as an empty one. */
const described = (description: string) => (description === "" ? {} : { Description: description })

export const toPermission = (p: IpPermission): Sdk.IpPermission => ({
  IpProtocol: p.protocol,
  ...(p.fromPort === undefined ? {} : { FromPort: p.fromPort }),
  ...(p.toPort === undefined ? {} : { ToPort: p.toPort }),
  ...(p.ipv4.length === 0
    ? {}
    : { IpRanges: p.ipv4.map((r) => ({ CidrIp: r.source, ...described(r.description) })) }),
  ...(p.ipv6.length === 0
    ? {}
    : { Ipv6Ranges: p.ipv6.map((r) => ({ CidrIpv6: r.source, ...described(r.description) })) }),
  ...(p.prefixLists.length === 0
    ? {}
    : { PrefixListIds: p.prefixLists.map((r) => ({ PrefixListId: r.source, ...described(r.description) })) }),
  ...(p.groups.length === 0
    ? {}
    : { UserIdGroupPairs: p.groups.map((r) => ({ ...toPair(r.source), ...described(r.description) })) })
})

export const fromSecurityGroup = (g: Sdk.SecurityGroup): SecurityGroup => ({
  groupId: g.GroupId ?? "",
  name: g.GroupName ?? "",
  vpcId: g.VpcId ?? "",
  tags: tagsOf(g.Tags),
  ingress: (g.IpPermissions ?? []).map(fromPermission),
  egress: (g.IpPermissionsEgress ?? []).map(fromPermission)
})

interface Association {
  readonly PublicIp?: string | undefined
  readonly IpOwnerId?: string | undefined
}

const publicIpOf = (association: Association | undefined): NetworkInterface["publicIp"] => {
  const address = present(association?.PublicIp)
  return address === undefined ? undefined : { address, owner: present(association?.IpOwnerId) ?? "amazon" }
}

const groupIdsOf = (groups: ReadonlyArray<Sdk.GroupIdentifier> | undefined): ReadonlyArray<string> =>
  (groups ?? []).flatMap((g) => present(g.GroupId) ?? [])

export const fromNetworkInterface = (i: Sdk.NetworkInterface): NetworkInterface => {
  // A detached interface has no attachment, or one of empty strings.
  const isAttached = present(i.Attachment?.AttachmentId) !== undefined
  return {
    networkInterfaceId: i.NetworkInterfaceId ?? "",
    vpcId: i.VpcId ?? "",
    instanceId: present(i.Attachment?.InstanceId),
    deviceIndex: isAttached ? (i.Attachment?.DeviceIndex ?? 0) : undefined,
    groupIds: groupIdsOf(i.Groups),
    publicIp: publicIpOf((i.PrivateIpAddresses?.find((p) => p.Primary) ?? i).Association)
  }
}

export const fromInstance = (i: Sdk.Instance): Instance => ({
  instanceId: i.InstanceId ?? "",
  state: i.State?.Name ?? "pending",
  vpcId: present(i.VpcId),
  interfaces: (i.NetworkInterfaces ?? []).map((n) => ({
    networkInterfaceId: n.NetworkInterfaceId ?? "",
    vpcId: n.VpcId ?? "",
    instanceId: i.InstanceId,
    deviceIndex: n.Attachment?.DeviceIndex ?? 0,
    groupIds: groupIdsOf(n.Groups),
    publicIp: publicIpOf((n.PrivateIpAddresses?.find((p) => p.Primary) ?? n).Association)
  }))
})

/** Filters in EC2's form: tags by key, the others by their names; those without a list are left out. */
export const toFilters = (
  tags: Readonly<Record<string, ReadonlyArray<string>>>,
  others: Readonly<Record<string, ReadonlyArray<string> | undefined>>
): Array<Sdk.Filter> => [
  ...Object.entries(tags).map(([key, values]) => ({ Name: `tag:${key}`, Values: [...values] })),
  ...Object.entries(others).flatMap(([Name, values]) =>
    values === undefined ? [] : [{ Name, Values: [...values] }]
  )
]
