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
import { Effect, Layer, Schema } from "effect"
import { actionOf, Ec2, type Operation, type RulesRequest, type Service } from "./Ec2.ts"
import { Ec2Error, fromCode, type Reason, Unreachable } from "./Ec2Error.ts"
import * as Wire from "./Wire.ts"

/** No region, or nothing to sign requests with. The message is one line. */
export class ConfigurationError extends Schema.TaggedError<ConfigurationError>()("ConfigurationError", {
  message: Schema.String
}) {}

/** Milliseconds. A write must be over within the lease gap; reads of many pages take longer. */
const connectionTimeout = 2_000
const requestTimeout = 10_000
/** "MaxResults: between 5 and 1000". */
const pageSize = 1_000

/** Names of SDK and Node errors that say that no answer came. */
const noAnswer = /^(TimeoutError|AbortError|NetworkingError|ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|EHOST|ENETUNREACH|RequestTimeout)/

export const reasonOf = (cause: unknown): Reason => {
  if (!(cause instanceof Error)) return new Unreachable({ message: String(cause) })
  const code = "code" in cause ? String(cause.code) : ""
  const hasAnswer = "$metadata" in cause && (cause.$metadata as { httpStatusCode?: number }).httpStatusCode !== undefined
  if (!hasAnswer || noAnswer.test(cause.name) || noAnswer.test(code)) {
    const what = code === "" || cause.message.includes(code) ? cause.message : `${code} ${cause.message}`
    return new Unreachable({ message: `${cause.name}: ${what}` })
  }
  return fromCode(cause.name, cause.message)
}

const make = (client: EC2Client): Service => {
  const call = <A>(action: string, send: (signal: AbortSignal) => Promise<A>): Effect.Effect<A, Ec2Error> =>
    Effect.tryPromise({
      try: send,
      catch: (cause) => new Ec2Error({ operation: action, reason: reasonOf(cause) })
    })

  const one = <A>(operation: Operation, send: (signal: AbortSignal) => Promise<A>) =>
    call(actionOf(operation), send)

  /** Every page; the next token is "" at the end with some emulators. */
  const pages = <P extends { readonly NextToken?: string | undefined }, A>(
    operation: Operation,
    send: (token: string | undefined, signal: AbortSignal) => Promise<P>,
    items: (page: P) => ReadonlyArray<A>
  ): Effect.Effect<ReadonlyArray<A>, Ec2Error> =>
    one(operation, async (signal) => {
      const found: Array<A> = []
      let token: string | undefined
      do {
        const page: P = await send(token, signal)
        found.push(...items(page))
        token = page.NextToken || undefined
      } while (token !== undefined)
      return found
    })

  const next = (token: string | undefined) => (token === undefined ? {} : { NextToken: token })
  const rules = ({ groupId, permissions }: RulesRequest) => ({
    GroupId: groupId,
    IpPermissions: permissions.map(Wire.toPermission)
  })

  return {
    describeAddresses: ({ allocationIds, tags }) =>
      one("describeAddresses", async (abortSignal) => {
        const Filters = Wire.toFilters({
          ...(tags === undefined ? {} : { tags }),
          values: { "allocation-id": allocationIds }
        })
        const answer = await client.send(new DescribeAddressesCommand({ Filters }), { abortSignal })
        return (answer.Addresses ?? []).map(Wire.fromAddress)
      }),
    describeSecurityGroups: ({ groupIds, names, tags, vpcIds }) =>
      pages(
        "describeSecurityGroups",
        (token, abortSignal) => {
          const Filters = Wire.toFilters({
            ...(tags === undefined ? {} : { tags }),
            values: { "group-id": groupIds, "group-name": names, "vpc-id": vpcIds }
          })
          const command = new DescribeSecurityGroupsCommand({ Filters, MaxResults: pageSize, ...next(token) })
          return client.send(command, { abortSignal })
        },
        (page) => (page.SecurityGroups ?? []).map(Wire.fromSecurityGroup)
      ),
    describeInstances: (instanceIds) =>
      pages(
        "describeInstances",
        (token, abortSignal) => {
          const Filters = [{ Name: "instance-id", Values: [...instanceIds] }]
          return client.send(new DescribeInstancesCommand({ Filters, MaxResults: pageSize, ...next(token) }), {
            abortSignal
          })
        },
        (page) => (page.Reservations ?? []).flatMap((r) => (r.Instances ?? []).map(Wire.fromInstance))
      ),
    describeNetworkInterfaces: ({ groupIds, instanceIds, networkInterfaceIds }) =>
      pages(
        "describeNetworkInterfaces",
        (token, abortSignal) => {
          const Filters = Wire.toFilters({
            values: {
              "network-interface-id": networkInterfaceIds,
              "group-id": groupIds,
              "attachment.instance-id": instanceIds
            }
          })
          const command = new DescribeNetworkInterfacesCommand({ Filters, MaxResults: pageSize, ...next(token) })
          return client.send(command, { abortSignal })
        },
        (page) => (page.NetworkInterfaces ?? []).map(Wire.fromNetworkInterface)
      ),
    allocateAddress: ({ tags }) =>
      one("allocateAddress", async (abortSignal) => {
        const answer = await client.send(
          new AllocateAddressCommand({
            Domain: "vpc",
            TagSpecifications: Wire.toTagSpecification("elastic-ip", tags)
          }),
          { abortSignal }
        )
        return { allocationId: answer.AllocationId ?? "", publicIp: answer.PublicIp ?? "" }
      }),
    associateAddress: ({ allocationId, networkInterfaceId }) =>
      one("associateAddress", async (abortSignal) => {
        const answer = await client.send(
          new AssociateAddressCommand({
            AllocationId: allocationId,
            NetworkInterfaceId: networkInterfaceId,
            AllowReassociation: false
          }),
          { abortSignal }
        )
        return { associationId: answer.AssociationId ?? "" }
      }),
    disassociateAddress: ({ associationId }) =>
      one("disassociateAddress", async (abortSignal) => {
        await client.send(new DisassociateAddressCommand({ AssociationId: associationId }), { abortSignal })
      }),
    releaseAddress: ({ allocationId }) =>
      one("releaseAddress", async (abortSignal) => {
        await client.send(new ReleaseAddressCommand({ AllocationId: allocationId }), { abortSignal })
      }),
    createSecurityGroup: ({ description, name, tags, vpcId }) =>
      one("createSecurityGroup", async (abortSignal) => {
        const answer = await client.send(
          new CreateSecurityGroupCommand({
            GroupName: name,
            Description: description,
            VpcId: vpcId,
            TagSpecifications: Wire.toTagSpecification("security-group", tags)
          }),
          { abortSignal }
        )
        return { groupId: answer.GroupId ?? "" }
      }),
    deleteSecurityGroup: ({ groupId }) =>
      one("deleteSecurityGroup", async (abortSignal) => {
        await client.send(new DeleteSecurityGroupCommand({ GroupId: groupId }), { abortSignal })
      }),
    authorizeSecurityGroupRules: (request) =>
      call(actionOf("authorizeSecurityGroupRules", request.direction), async (abortSignal) => {
        if (request.direction === "Ingress") {
          await client.send(new AuthorizeSecurityGroupIngressCommand(rules(request)), { abortSignal })
        } else {
          await client.send(new AuthorizeSecurityGroupEgressCommand(rules(request)), { abortSignal })
        }
      }),
    revokeSecurityGroupRules: (request) =>
      call(actionOf("revokeSecurityGroupRules", request.direction), async (abortSignal) => {
        if (request.direction === "Ingress") {
          await client.send(new RevokeSecurityGroupIngressCommand(rules(request)), { abortSignal })
        } else {
          await client.send(new RevokeSecurityGroupEgressCommand(rules(request)), { abortSignal })
        }
      }),
    updateSecurityGroupRuleDescriptions: (request) =>
      call(actionOf("updateSecurityGroupRuleDescriptions", request.direction), async (abortSignal) => {
        if (request.direction === "Ingress") {
          await client.send(new UpdateSecurityGroupRuleDescriptionsIngressCommand(rules(request)), { abortSignal })
        } else {
          await client.send(new UpdateSecurityGroupRuleDescriptionsEgressCommand(rules(request)), { abortSignal })
        }
      }),
    modifyNetworkInterfaceGroups: ({ groupIds, networkInterfaceId }) =>
      one("modifyNetworkInterfaceGroups", async (abortSignal) => {
        await client.send(
          new ModifyNetworkInterfaceAttributeCommand({
            NetworkInterfaceId: networkInterfaceId,
            Groups: [...groupIds]
          }),
          { abortSignal }
        )
      }),
    createTags: ({ resourceIds, tags }) =>
      one("createTags", async (abortSignal) => {
        await client.send(new CreateTagsCommand({ Resources: [...resourceIds], Tags: Wire.toTags(tags) }), {
          abortSignal
        })
      })
  }
}

/** The SDK ignores AWS_DEFAULT_REGION, which other tools and the Go implementation read. */
const regionFromEnvironment = (): string | undefined =>
  process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || undefined

export const layer: Layer.Layer<Ec2, ConfigurationError> = Layer.effect(
  Ec2,
  Effect.gen(function* () {
    const region = regionFromEnvironment()
    const client = yield* Effect.acquireRelease(
      Effect.sync(
        () =>
          new EC2Client({
            maxAttempts: 1,
            ...(region === undefined ? {} : { region }),
            requestHandler: { connectionTimeout, requestTimeout, throwOnRequestTimeout: true }
          })
      ),
      (made) => Effect.sync(() => made.destroy())
    )
    yield* Effect.tryPromise({
      try: () => client.config.region(),
      catch: () =>
        new ConfigurationError({ message: "no AWS region: set AWS_REGION or a region in the AWS profile" })
    })
    return Ec2.of(make(client))
  })
)
