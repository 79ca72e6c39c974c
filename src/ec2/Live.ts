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
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSecurityGroupsCommand,
  DisassociateAddressCommand,
  EC2Client,
  ModifyNetworkInterfaceAttributeCommand,
  ReleaseAddressCommand,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  UpdateSecurityGroupRuleDescriptionsEgressCommand,
  UpdateSecurityGroupRuleDescriptionsIngressCommand
} from "@aws-sdk/client-ec2"
import { Duration, Effect, Layer, Schema } from "effect"
import type { Direction } from "../domain/Permission.ts"
import { actionOf, Ec2, type Operation, type RulesRequest, type Service } from "./Ec2.ts"
import { Ec2Error, Unreachable } from "./Ec2Error.ts"
import { reasonOf } from "./SdkFailure.ts"
import * as Wire from "./Wire.ts"

/** Nothing can be asked of EC2 as things are set up. The message is one line. */
export class ConfigurationError extends Schema.TaggedError<ConfigurationError>()("ConfigurationError", {
  message: Schema.String
}) {}

/** A write must be over within the lease gap; a page of a describe is large. Each for one request, body and all. */
export interface Timeouts {
  readonly connect: Duration.Duration
  readonly write: Duration.Duration
  readonly read: Duration.Duration
}
export const timeouts: Timeouts = {
  connect: Duration.seconds(2),
  write: Duration.seconds(4),
  read: Duration.seconds(10)
}

/** "MaxResults: between 5 and 1000" (DescribeInstances, DescribeSecurityGroups, DescribeNetworkInterfaces). */
const pageSize = 1_000
/** More than the buckets let through at once: a request that waits for a socket would use up its time there. */
const maxSockets = 256

/** EC2 takes no filter without values: what matches none of nothing needs no request. */
const asksForNothing = (lists: Iterable<ReadonlyArray<string> | undefined>): boolean =>
  [...lists].some((list) => list?.length === 0)

type Sending = { readonly abortSignal: AbortSignal }
type Call<A> = Effect.Effect<A, Ec2Error>

const make = (client: EC2Client, limits: Timeouts): Service => {
  const once = <A>(
    action: string,
    within: Duration.Duration,
    send: (sending: Sending) => Promise<A>
  ): Call<A> => {
    const unreachable = (message: string) =>
      new Ec2Error({ operation: action, reason: new Unreachable({ message }) })
    return Effect.tryPromise({
      try: (abortSignal) => send({ abortSignal }),
      catch: (cause) => new Ec2Error({ operation: action, reason: reasonOf(cause) })
    }).pipe(
      Effect.timeoutOrElse({
        duration: within,
        orElse: () => Effect.fail(unreachable(`no answer within ${Duration.format(within)}`))
      })
    )
  }
  const read = <A>(operation: Operation, send: (sending: Sending) => Promise<A>): Call<A> =>
    once(actionOf(operation), limits.read, send)
  const write = (
    operation: Operation,
    send: (sending: Sending) => Promise<unknown>,
    direction?: Direction
  ): Call<void> => Effect.asVoid(once(actionOf(operation, direction), limits.write, send))

  /** The reply names what was made; one that does not leaves the outcome as unknown as a lost one. */
  const creating = <A>(
    operation: Operation,
    send: (sending: Sending) => Promise<A>,
    idOf: (answer: A) => string | undefined
  ): Call<readonly [id: string, answer: A]> => {
    const action = actionOf(operation)
    const reason = new Unreachable({ message: "the answer names nothing that was made" })
    return Effect.flatMap(once(action, limits.write, send), (answer) => {
      const id = idOf(answer)
      return id ? Effect.succeed([id, answer] as const) : Effect.fail(new Ec2Error({ operation: action, reason }))
    })
  }

  /** Every page. The last one has no next token, or an empty one. */
  const pages = Effect.fnUntraced(function* <
    P extends { readonly NextToken?: string | undefined },
    A
  >(
    operation: Operation,
    send: (
      page: { readonly MaxResults: number; readonly NextToken?: string },
      sending: Sending
    ) => Promise<P>,
    itemsOf: (page: P) => ReadonlyArray<A>
  ) {
    const found: Array<A> = []
    let token: string | undefined
    do {
      const next = token === undefined ? {} : { NextToken: token }
      const page: P = yield* read(operation, (sending) =>
        send({ MaxResults: pageSize, ...next }, sending)
      )
      for (const item of itemsOf(page)) found.push(item)
      token = page.NextToken || undefined
    } while (token !== undefined)
    return found
  })

  const nothing = Effect.succeed([])
  const rules = ({ groupId, permissions }: RulesRequest) => ({
    GroupId: groupId,
    IpPermissions: permissions.map(Wire.toPermission)
  })

  return {
    describeAddresses: ({ allocationIds, tags = {} }) => {
      if (asksForNothing([allocationIds, ...Object.values(tags)])) return nothing
      const Filters = Wire.toFilters(tags, { "allocation-id": allocationIds })
      return Effect.map(
        read("describeAddresses", (sending) =>
          client.send(new DescribeAddressesCommand({ Filters }), sending)
        ),
        (answer) => (answer.Addresses ?? []).map(Wire.fromAddress)
      )
    },
    describeSecurityGroups: ({ groupIds, names, tags = {}, vpcIds }) => {
      if (asksForNothing([groupIds, names, vpcIds, ...Object.values(tags)])) return nothing
      const Filters = Wire.toFilters(tags, { "group-id": groupIds, "group-name": names, "vpc-id": vpcIds })
      return pages(
        "describeSecurityGroups",
        (page, sending) => client.send(new DescribeSecurityGroupsCommand({ Filters, ...page }), sending),
        (page) => (page.SecurityGroups ?? []).map(Wire.fromSecurityGroup)
      )
    },
    describeInstances: (instanceIds) => {
      if (asksForNothing([instanceIds])) return nothing
      const Filters = Wire.toFilters({}, { "instance-id": instanceIds })
      return pages(
        "describeInstances",
        (page, sending) => client.send(new DescribeInstancesCommand({ Filters, ...page }), sending),
        (page) => (page.Reservations ?? []).flatMap((r) => (r.Instances ?? []).map(Wire.fromInstance))
      )
    },
    describeNetworkInterfaces: ({ groupIds, instanceIds, networkInterfaceIds }) => {
      if (asksForNothing([groupIds, instanceIds, networkInterfaceIds])) return nothing
      const Filters = Wire.toFilters(
        {},
        {
          "network-interface-id": networkInterfaceIds,
          "group-id": groupIds,
          "attachment.instance-id": instanceIds
        }
      )
      return pages(
        "describeNetworkInterfaces",
        (page, sending) => client.send(new DescribeNetworkInterfacesCommand({ Filters, ...page }), sending),
        (page) => (page.NetworkInterfaces ?? []).map(Wire.fromNetworkInterface)
      )
    },
    allocateAddress: ({ tags }) => {
      const command = () =>
        new AllocateAddressCommand({
          Domain: "vpc",
          TagSpecifications: Wire.toTagSpecification("elastic-ip", tags)
        })
      return Effect.map(
        creating(
          "allocateAddress",
          (sending) => client.send(command(), sending),
          (answer) => answer.PublicIp && answer.AllocationId
        ),
        ([allocationId, answer]) => ({ allocationId, publicIp: answer.PublicIp ?? "" })
      )
    },
    associateAddress: ({ allocationId, networkInterfaceId }) => {
      const command = () =>
        new AssociateAddressCommand({
          AllocationId: allocationId,
          NetworkInterfaceId: networkInterfaceId,
          // Without it EC2 takes the address from wherever it is.
          AllowReassociation: false
        })
      return Effect.map(
        creating(
          "associateAddress",
          (sending) => client.send(command(), sending),
          (answer) => answer.AssociationId
        ),
        ([associationId]) => ({ associationId })
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
      const command = () =>
        new CreateSecurityGroupCommand({
          GroupName: name,
          Description: description,
          VpcId: vpcId,
          TagSpecifications: Wire.toTagSpecification("security-group", tags)
        })
      return Effect.map(
        creating(
          "createSecurityGroup",
          (sending) => client.send(command(), sending),
          (answer) => answer.GroupId
        ),
        ([groupId]) => ({ groupId })
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
      write(
        "revokeSecurityGroupRules",
        (sending) =>
          request.direction === "Ingress"
            ? client.send(new RevokeSecurityGroupIngressCommand(rules(request)), sending)
            : client.send(new RevokeSecurityGroupEgressCommand(rules(request)), sending),
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
      const command = () =>
        new ModifyNetworkInterfaceAttributeCommand({
          NetworkInterfaceId: networkInterfaceId,
          Groups: [...groupIds]
        })
      return write("modifyNetworkInterfaceGroups", (sending) => client.send(command(), sending))
    },
    createTags: ({ resourceIds, tags }) => {
      const command = () => new CreateTagsCommand({ Resources: [...resourceIds], Tags: Wire.toTags(tags) })
      return write("createTags", (sending) => client.send(command(), sending))
    }
  }
}

/** The SDK ignores AWS_DEFAULT_REGION, which other tools and the Go implementation read before any profile. */
const regionFromEnvironment = (): string | undefined =>
  process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || undefined

export const layerWith = (limits: Timeouts): Layer.Layer<Ec2, ConfigurationError> =>
  Layer.effect(
    Ec2,
    Effect.gen(function* () {
      const region = regionFromEnvironment()
      const client = yield* Effect.acquireRelease(
        Effect.sync(
          () =>
            new EC2Client({
              maxAttempts: 1,
              ...(region === undefined ? {} : { region }),
              requestHandler: {
                connectionTimeout: Duration.toMillis(limits.connect),
                httpAgent: { maxSockets },
                httpsAgent: { maxSockets }
              }
            })
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
      return Ec2.of(make(client, limits))
    })
  )

export const layer: Layer.Layer<Ec2, ConfigurationError> = layerWith(timeouts)
