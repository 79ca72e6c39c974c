/**
 * The Ec2 service over the AWS SDK.
 * Rule: one request per call (describes: as many as their pages), never retried by the SDK: a lost reply to
 * AllocateAddress would buy a second address. Region, credentials and endpoint come from the standard chain.
 */
import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  CreateTagsCommand,
  DeleteSecurityGroupCommand,
  DescribeAddressesCommand,
  type DescribeAddressesCommandOutput,
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSecurityGroupsCommand,
  DisassociateAddressCommand,
  EC2Client,
  ModifyNetworkInterfaceAttributeCommand,
  ReleaseAddressCommand,
  RevokeSecurityGroupEgressCommand,
  type RevokeSecurityGroupEgressCommandOutput,
  RevokeSecurityGroupIngressCommand,
  type RevokeSecurityGroupIngressCommandOutput,
  UpdateSecurityGroupRuleDescriptionsEgressCommand,
  UpdateSecurityGroupRuleDescriptionsIngressCommand
} from "@aws-sdk/client-ec2"
import { Duration, Effect, Layer, Schema } from "effect"
import * as Answers from "./Answers.ts"
import { Ec2, type RulesRequest, type Service } from "./Ec2.ts"
import { fromCode, type Reason } from "./Ec2Error.ts"
import * as SdkCall from "./SdkCall.ts"
import * as Wire from "./Wire.ts"

/** Nothing can be asked of EC2 as things are set up. The message is one line. */
export class ConfigurationError extends Schema.TaggedError<ConfigurationError>()("ConfigurationError", {
  message: Schema.String
}) {}

/** More than the buckets let through at once: a request that waits for a socket would use up its time there. */
const maxSockets = 256

/** EC2 takes no filter without values; what must match one of none matches nothing. */
const asksForNothing = (lists: ReadonlyArray<ReadonlyArray<string> | undefined>): boolean =>
  lists.some((list) => list?.length === 0)

type Addresses = DescribeAddressesCommandOutput & { readonly NextToken?: undefined }

type Revoked = RevokeSecurityGroupIngressCommandOutput | RevokeSecurityGroupEgressCommandOutput

/**
 * In a default VPC what does not match a rule is no error: it is in the answer, as not revoked
 * (RevokeSecurityGroupIngress, "[Default VPC]"). Elsewhere it is this code.
 */
const unknownIn = ({ UnknownIpPermissions = [] }: Revoked): Reason | undefined =>
  UnknownIpPermissions.length === 0
    ? undefined
    : fromCode("InvalidPermission.NotFound", `${UnknownIpPermissions.length} of the rules do not exist`)

const make = (client: EC2Client, timeouts: SdkCall.Timeouts): Service => {
  const { checked, create, read, write } = SdkCall.make(timeouts)
  const nothing = Effect.succeed([])
  const rules = ({ groupId, permissions }: RulesRequest) => ({
    GroupId: groupId,
    IpPermissions: permissions.map(Wire.toPermission)
  })

  return {
    describeAddresses: ({ allocationIds, tags = {} }) => {
      if (asksForNothing([allocationIds, ...Object.values(tags)])) return nothing
      const Filters = Wire.toFilters(tags, { "allocation-id": allocationIds })
      return read(
        "describeAddresses",
        // It knows no pages: one answer holds all.
        async (_, sending): Promise<Addresses> =>
          client.send(new DescribeAddressesCommand({ Filters }), sending),
        (answer) => answer.Addresses?.map(Wire.fromAddress)
      )
    },
    describeSecurityGroups: ({ groupIds, names, tags = {}, vpcIds }) => {
      if (asksForNothing([groupIds, names, vpcIds, ...Object.values(tags)])) return nothing
      const Filters = Wire.toFilters(tags, { "group-id": groupIds, "group-name": names, "vpc-id": vpcIds })
      return read(
        "describeSecurityGroups",
        (page, sending) => client.send(new DescribeSecurityGroupsCommand({ Filters, ...page }), sending),
        (answer) => answer.SecurityGroups?.map(Wire.fromSecurityGroup)
      )
    },
    describeInstances: (instanceIds) => {
      if (asksForNothing([instanceIds])) return nothing
      const Filters = Wire.toFilters({}, { "instance-id": instanceIds })
      return read(
        "describeInstances",
        (page, sending) => client.send(new DescribeInstancesCommand({ Filters, ...page }), sending),
        (answer) => answer.Reservations?.flatMap((r) => (r.Instances ?? []).map(Wire.fromInstance))
      )
    },
    describeNetworkInterfaces: ({ groupIds, instanceIds, networkInterfaceIds }) => {
      if (asksForNothing([groupIds, instanceIds, networkInterfaceIds])) return nothing
      const filters = {
        "network-interface-id": networkInterfaceIds,
        "group-id": groupIds,
        "attachment.instance-id": instanceIds
      }
      const Filters = Wire.toFilters({}, filters)
      return read(
        "describeNetworkInterfaces",
        (page, sending) => client.send(new DescribeNetworkInterfacesCommand({ Filters, ...page }), sending),
        (answer) => answer.NetworkInterfaces?.map(Wire.fromNetworkInterface)
      )
    },
    allocateAddress: ({ tags }) => {
      const TagSpecifications = Wire.toTagSpecification("elastic-ip", tags)
      return create(
        "allocateAddress",
        (sending) => client.send(new AllocateAddressCommand({ Domain: "vpc", TagSpecifications }), sending),
        ({ AllocationId, PublicIp }) =>
          AllocationId && PublicIp ? { allocationId: AllocationId, publicIp: PublicIp } : undefined
      )
    },
    associateAddress: ({ allocationId, networkInterfaceId }) => {
      const request = {
        AllocationId: allocationId,
        NetworkInterfaceId: networkInterfaceId,
        // Without it EC2 takes the address from wherever it is.
        AllowReassociation: false
      }
      return create(
        "associateAddress",
        (sending) => client.send(new AssociateAddressCommand(request), sending),
        ({ AssociationId }) => (AssociationId ? { associationId: AssociationId } : undefined)
      )
    },
    disassociateAddress: ({ associationId }) =>
      write("disassociateAddress", (sending) =>
        client.send(new DisassociateAddressCommand({ AssociationId: associationId }), sending)
      ),
    releaseAddress: ({ allocationId }) =>
      write("releaseAddress", (sending) =>
        client.send(new ReleaseAddressCommand({ AllocationId: allocationId }), sending)
      ),
    createSecurityGroup: ({ description, name, tags, vpcId }) => {
      const TagSpecifications = Wire.toTagSpecification("security-group", tags)
      const request = { GroupName: name, Description: description, VpcId: vpcId, TagSpecifications }
      return create(
        "createSecurityGroup",
        (sending) => client.send(new CreateSecurityGroupCommand(request), sending),
        ({ GroupId }) => (GroupId ? { groupId: GroupId } : undefined)
      )
    },
    deleteSecurityGroup: ({ groupId }) =>
      write("deleteSecurityGroup", (sending) =>
        client.send(new DeleteSecurityGroupCommand({ GroupId: groupId }), sending)
      ),
    authorizeSecurityGroupRules: (request) =>
      write(
        "authorizeSecurityGroupRules",
        (sending) =>
          request.direction === "Ingress"
            ? client.send(new AuthorizeSecurityGroupIngressCommand(rules(request)), sending)
            : client.send(new AuthorizeSecurityGroupEgressCommand(rules(request)), sending),
        request.direction
      ),
    revokeSecurityGroupRules: (request) =>
      checked(
        "revokeSecurityGroupRules",
        async (sending): Promise<Revoked> =>
          request.direction === "Ingress"
            ? client.send(new RevokeSecurityGroupIngressCommand(rules(request)), sending)
            : client.send(new RevokeSecurityGroupEgressCommand(rules(request)), sending),
        unknownIn,
        request.direction
      ),
    updateSecurityGroupRuleDescriptions: (request) =>
      write(
        "updateSecurityGroupRuleDescriptions",
        (sending) =>
          request.direction === "Ingress"
            ? client.send(new UpdateSecurityGroupRuleDescriptionsIngressCommand(rules(request)), sending)
            : client.send(new UpdateSecurityGroupRuleDescriptionsEgressCommand(rules(request)), sending),
        request.direction
      ),
    modifyNetworkInterfaceGroups: ({ groupIds, networkInterfaceId }) => {
      const request = { NetworkInterfaceId: networkInterfaceId, Groups: [...groupIds] }
      return write("modifyNetworkInterfaceGroups", (sending) =>
        client.send(new ModifyNetworkInterfaceAttributeCommand(request), sending)
      )
    },
    createTags: ({ resourceIds, tags }) => {
      const request = { Resources: [...resourceIds], Tags: Wire.toTags(tags) }
      return write("createTags", (sending) => client.send(new CreateTagsCommand(request), sending))
    }
  }
}

/** The SDK ignores AWS_DEFAULT_REGION, which other tools and the Go implementation read before any profile. */
const regionFromEnvironment = (): string | undefined =>
  process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || undefined

/**
 * HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in small letters too (Node, "Built-in proxy support"); as in the Go implementation
 * never for this machine itself (golang.org/x/net/http/httpproxy, "localhost").
 */
const proxyFromEnvironment = () => {
  const { NO_PROXY, no_proxy = NO_PROXY, ...environment } = process.env
  const direct = [...(no_proxy ? [no_proxy] : []), "localhost", "127.0.0.1", "::1"].join(",")
  return { ...environment, no_proxy: direct, NO_PROXY: direct }
}

export const layerWith = (timeouts: SdkCall.Timeouts): Layer.Layer<Ec2, ConfigurationError> =>
  Layer.effect(
    Ec2,
    Effect.gen(function* () {
      const region = regionFromEnvironment()
      const agent = {
        maxSockets,
        timeout: Duration.toMillis(timeouts.idle),
        proxyEnv: proxyFromEnvironment()
      }
      const client = yield* Effect.acquireRelease(
        Effect.sync(() =>
          Answers.projectOn(
            new EC2Client({
              maxAttempts: 1,
              ...(region === undefined ? {} : { region }),
              requestHandler: {
                connectionTimeout: Duration.toMillis(timeouts.connect),
                httpAgent: agent,
                httpsAgent: agent
              }
            })
          )
        ),
        (made) => Effect.sync(() => made.destroy())
      )
      yield* Effect.tryPromise({
        try: () => client.config.region(),
        catch: () =>
          new ConfigurationError({
            message: "no AWS region: set AWS_REGION or AWS_DEFAULT_REGION, or a region in the AWS profile"
          })
      })
      return Ec2.of(make(client, timeouts))
    })
  )

export const layer: Layer.Layer<Ec2, ConfigurationError> = layerWith(SdkCall.timeouts)
