/**
 * EC2 as its owner sees it in the console: everything there is, asked of the EC2 API itself.
 * Rule: an SDK client of its own; nothing of the operator is between the tests and the truth.
 */
import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateTagsCommand,
  CreateVpcCommand,
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DisassociateAddressCommand,
  EC2Client,
  type IpPermission,
  ModifyNetworkInterfaceAttributeCommand,
  ReleaseAddressCommand,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  RunInstancesCommand,
  type Tag,
  TerminateInstancesCommand
} from "@aws-sdk/client-ec2"
import { Effect, Schema } from "effect"

export class CloudError extends Schema.TaggedError<CloudError>()("CloudError", {
  message: Schema.String,
  code: Schema.String
}) {}

export type Tags = Readonly<Record<string, string>>

export interface Address {
  readonly allocationId: string
  readonly publicIp: string
  readonly associationId: string | undefined
  readonly instanceId: string | undefined
  readonly networkInterfaceId: string | undefined
  readonly tags: Tags
}

/** `protocol:from-to cidr`, a line for each source: as a person would write it. */
export type RuleLine = string

export interface Group {
  readonly groupId: string
  readonly name: string
  readonly ingress: ReadonlyArray<RuleLine>
  readonly egress: ReadonlyArray<RuleLine>
  readonly tags: Tags
}

export interface Instance {
  readonly instanceId: string
  readonly state: string
  readonly networkInterfaceId: string | undefined
  readonly publicIp: string | undefined
  readonly groupIds: ReadonlyArray<string>
}

const tagsOf = (tags: ReadonlyArray<Tag> | undefined): Tags =>
  Object.fromEntries((tags ?? []).map((tag) => [tag.Key ?? "", tag.Value ?? ""]))
const tagList = (tags: Tags): Array<Tag> => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))

const lines = (permissions: ReadonlyArray<IpPermission> | undefined): ReadonlyArray<RuleLine> =>
  (permissions ?? [])
    .flatMap((p) => {
      const ports = p.FromPort === undefined ? "" : `:${p.FromPort}-${p.ToPort}`
      const sources = [
        ...(p.IpRanges ?? []).map((r) => r.CidrIp),
        ...(p.Ipv6Ranges ?? []).map((r) => r.CidrIpv6),
        ...(p.PrefixListIds ?? []).map((r) => r.PrefixListId),
        ...(p.UserIdGroupPairs ?? []).map((r) => r.GroupId)
      ]
      return sources.map((source) => `${p.IpProtocol}${ports} ${source}`)
    })
    .sort()

const idOrNone = (id: string | undefined): string | undefined => (id === "" ? undefined : id)

export const region = "eu-west-1"
export const zone = "eu-west-1a"

export const make = (endpoint: string) => {
  const client = new EC2Client({
    endpoint,
    region,
    credentials: { accessKeyId: "owner", secretAccessKey: "owner" }
  })
  const call = <A>(what: string, send: () => Promise<A>): Effect.Effect<A, CloudError> =>
    Effect.tryPromise({
      try: send,
      catch: (cause) =>
        new CloudError({
          message: `${what}: ${String(cause)}`,
          code: cause instanceof Error ? cause.name : ""
        })
    })

  const describeGroups = call("DescribeSecurityGroups", () =>
    client.send(new DescribeSecurityGroupsCommand({}))
  )
  const subnet = Effect.map(
    call("DescribeSubnets", () =>
      client.send(new DescribeSubnetsCommand({ Filters: [{ Name: "availability-zone", Values: [zone] }] }))
    ),
    (reply) => ({ subnetId: reply.Subnets?.[0]?.SubnetId ?? "", vpcId: reply.Subnets?.[0]?.VpcId ?? "" })
  )

  return {
    endpoint,
    addresses: Effect.map(
      call("DescribeAddresses", () => client.send(new DescribeAddressesCommand({}))),
      (reply): ReadonlyArray<Address> =>
        (reply.Addresses ?? []).map((a) => ({
          allocationId: a.AllocationId ?? "",
          publicIp: a.PublicIp ?? "",
          associationId: idOrNone(a.AssociationId),
          instanceId: idOrNone(a.InstanceId),
          networkInterfaceId: idOrNone(a.NetworkInterfaceId),
          tags: tagsOf(a.Tags)
        }))
    ),
    groups: Effect.map(
      describeGroups,
      (reply): ReadonlyArray<Group> =>
        (reply.SecurityGroups ?? []).map((g) => ({
          groupId: g.GroupId ?? "",
          name: g.GroupName ?? "",
          ingress: lines(g.IpPermissions),
          egress: lines(g.IpPermissionsEgress),
          tags: tagsOf(g.Tags)
        }))
    ),
    /** Terminated ones too, as long as EC2 shows them. */
    instances: Effect.map(
      call("DescribeInstances", () => client.send(new DescribeInstancesCommand({}))),
      (reply): ReadonlyArray<Instance> =>
        (reply.Reservations ?? [])
          .flatMap((r) => r.Instances ?? [])
          .map((i) => {
            const first = i.NetworkInterfaces?.[0]
            return {
              instanceId: i.InstanceId ?? "",
              state: i.State?.Name ?? "",
              networkInterfaceId: first?.NetworkInterfaceId,
              publicIp: idOrNone(first?.Association?.PublicIp),
              groupIds: (first?.Groups ?? []).map((g) => g.GroupId ?? "").sort()
            }
          })
    ),
    /** An interface keeps at least one group, so instances get the VPC's default one. */
    launch: (o: { readonly isPublic?: boolean; readonly subnetId?: string } = {}) =>
      Effect.gen(function* () {
        const subnetId = o.subnetId ?? (yield* subnet).subnetId
        const reply = yield* call("RunInstances", () =>
          client.send(
            new RunInstancesCommand({
              ImageId: "ami-12c6146b",
              InstanceType: "m5.large",
              MinCount: 1,
              MaxCount: 1,
              NetworkInterfaces: [
                {
                  DeviceIndex: 0,
                  SubnetId: subnetId,
                  AssociatePublicIpAddress: o.isPublic ?? true,
                  DeleteOnTermination: true
                }
              ]
            })
          )
        )
        const instance = reply.Instances?.[0]
        return {
          instanceId: instance?.InstanceId ?? "",
          networkInterfaceId: instance?.NetworkInterfaces?.[0]?.NetworkInterfaceId ?? "",
          providerID: `aws:///${zone}/${instance?.InstanceId}`
        }
      }),
    terminate: (instanceId: string) =>
      call("TerminateInstances", () =>
        client.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }))
      ),
    subnet,
    makeVpc: Effect.gen(function* () {
      const vpc = yield* call("CreateVpc", () =>
        client.send(new CreateVpcCommand({ CidrBlock: "10.7.0.0/16" }))
      )
      const vpcId = vpc.Vpc?.VpcId ?? ""
      const made = yield* call("CreateSubnet", () =>
        client.send(
          new CreateSubnetCommand({ VpcId: vpcId, CidrBlock: "10.7.1.0/24", AvailabilityZone: zone })
        )
      )
      return { vpcId, subnetId: made.Subnet?.SubnetId ?? "" }
    }),
    allocate: (tags: Tags) =>
      Effect.map(
        call("AllocateAddress", () =>
          client.send(
            new AllocateAddressCommand({
              Domain: "vpc",
              TagSpecifications: [{ ResourceType: "elastic-ip", Tags: tagList(tags) }]
            })
          )
        ),
        (reply) => ({ allocationId: reply.AllocationId ?? "", publicIp: reply.PublicIp ?? "" })
      ),
    associate: (allocationId: string, networkInterfaceId: string) =>
      Effect.map(
        call("AssociateAddress", () =>
          client.send(
            new AssociateAddressCommand({
              AllocationId: allocationId,
              NetworkInterfaceId: networkInterfaceId
            })
          )
        ),
        (reply) => reply.AssociationId ?? ""
      ),
    disassociate: (associationId: string) =>
      call("DisassociateAddress", () =>
        client.send(new DisassociateAddressCommand({ AssociationId: associationId }))
      ),
    release: (allocationId: string) =>
      call("ReleaseAddress", () => client.send(new ReleaseAddressCommand({ AllocationId: allocationId }))),
    createGroup: (name: string, tags: Tags, vpcId?: string) =>
      Effect.gen(function* () {
        const inVpc = vpcId ?? (yield* subnet).vpcId
        const reply = yield* call("CreateSecurityGroup", () =>
          client.send(
            new CreateSecurityGroupCommand({
              GroupName: name,
              Description: "made by hand",
              VpcId: inVpc,
              ...(Object.keys(tags).length === 0
                ? {}
                : { TagSpecifications: [{ ResourceType: "security-group", Tags: tagList(tags) }] })
            })
          )
        )
        return reply.GroupId ?? ""
      }),
    tag: (id: string, tags: Tags) =>
      call("CreateTags", () => client.send(new CreateTagsCommand({ Resources: [id], Tags: tagList(tags) }))),
    authorize: (groupId: string, permissions: Array<IpPermission>) =>
      call("AuthorizeSecurityGroupIngress", () =>
        client.send(
          new AuthorizeSecurityGroupIngressCommand({ GroupId: groupId, IpPermissions: permissions })
        )
      ),
    revoke: (groupId: string, permissions: Array<IpPermission>) =>
      call("RevokeSecurityGroupIngress", () =>
        client.send(new RevokeSecurityGroupIngressCommand({ GroupId: groupId, IpPermissions: permissions }))
      ),
    /** What a new group lets out: everything. */
    revokeEgress: (groupId: string) =>
      call("RevokeSecurityGroupEgress", () =>
        client.send(
          new RevokeSecurityGroupEgressCommand({
            GroupId: groupId,
            IpPermissions: [{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }]
          })
        )
      ),
    groupsOf: (networkInterfaceId: string) =>
      Effect.map(
        call("DescribeNetworkInterfaces", () =>
          client.send(new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [networkInterfaceId] }))
        ),
        (reply) => (reply.NetworkInterfaces?.[0]?.Groups ?? []).map((g) => g.GroupId ?? "").sort()
      ),
    setGroups: (networkInterfaceId: string, groupIds: ReadonlyArray<string>) =>
      call("ModifyNetworkInterfaceAttribute", () =>
        client.send(
          new ModifyNetworkInterfaceAttributeCommand({
            NetworkInterfaceId: networkInterfaceId,
            Groups: [...groupIds]
          })
        )
      )
  }
}

export type Cloud = ReturnType<typeof make>
