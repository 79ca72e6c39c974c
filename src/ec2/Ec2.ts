/**
 * The EC2 service: one method per EC2 action, in EC2's own shapes with absent values as undefined.
 * Rule: an implementation sends exactly one request per call (describes: as many as their pages) and never
 * retries a mutation; pacing, fencing and reading back stand above it.
 */
import { Context, type Effect } from "effect"
import type { Tags } from "../domain/Names.ts"
import type { Direction, IpPermission } from "../domain/Permission.ts"
import type { Ec2Error } from "./Ec2Error.ts"

/** An Elastic IP (Address of DescribeAddresses). */
export interface Address {
  readonly allocationId: string
  readonly publicIp: string
  readonly tags: Tags
  /** Where it is attached, if anywhere. */
  readonly association:
    | {
        readonly associationId: string
        readonly instanceId: string | undefined
        readonly networkInterfaceId: string
      }
    | undefined
}

export interface SecurityGroup {
  readonly groupId: string
  readonly name: string
  readonly vpcId: string
  readonly tags: Tags
  /** Merged as EC2 merges: one entry per protocol and ports. */
  readonly ingress: ReadonlyArray<IpPermission>
  readonly egress: ReadonlyArray<IpPermission>
}

export interface NetworkInterface {
  readonly networkInterfaceId: string
  readonly vpcId: string
  readonly instanceId: string | undefined
  /** Undefined while it is not attached. */
  readonly deviceIndex: number | undefined
  readonly groupIds: ReadonlyArray<string>
  /** The public IPv4 of its primary private IP. */
  readonly publicIp:
    | {
        readonly address: string
        /** "amazon" for an auto-assigned public IP, an account id for an Elastic IP. */
        readonly owner: string
      }
    | undefined
}

export type InstanceState = "pending" | "running" | "shutting-down" | "terminated" | "stopping" | "stopped"

export interface Instance {
  readonly instanceId: string
  readonly state: InstanceState
  /** Undefined once terminated. */
  readonly vpcId: string | undefined
  readonly interfaces: ReadonlyArray<NetworkInterface>
}

/** Filters: all given ones must match; within one, any of the values. Empty lists match nothing. */
export interface AddressFilter {
  /** tag:<key> = any of values. */
  readonly tags?: Readonly<Record<string, ReadonlyArray<string>>>
  readonly allocationIds?: ReadonlyArray<string>
}
export interface GroupFilter {
  readonly tags?: Readonly<Record<string, ReadonlyArray<string>>>
  readonly groupIds?: ReadonlyArray<string>
  readonly names?: ReadonlyArray<string>
  readonly vpcIds?: ReadonlyArray<string>
}
export interface InterfaceFilter {
  readonly networkInterfaceIds?: ReadonlyArray<string>
  readonly groupIds?: ReadonlyArray<string>
  readonly instanceIds?: ReadonlyArray<string>
}

export interface RulesRequest {
  readonly groupId: string
  readonly direction: Direction
  readonly permissions: ReadonlyArray<IpPermission>
}

type Call<A> = Effect.Effect<A, Ec2Error>

/** Every method's failure is an Ec2Error whose reason is one of `Ec2Error.Reason`. Ids are EC2's. */
export class Ec2 extends Context.Service<
  Ec2,
  {
    /** By filter, never by id: an unknown id then gives fewer rows instead of failing the call. */
    describeAddresses(filter: AddressFilter): Call<ReadonlyArray<Address>>
    describeSecurityGroups(filter: GroupFilter): Call<ReadonlyArray<SecurityGroup>>
    /** At most 200 ids, sent as the filter `instance-id`; unknown ones are left out of the answer. */
    describeInstances(instanceIds: ReadonlyArray<string>): Call<ReadonlyArray<Instance>>
    describeNetworkInterfaces(filter: InterfaceFilter): Call<ReadonlyArray<NetworkInterface>>
    allocateAddress(request: {
      readonly tags: Tags
    }): Call<{ readonly allocationId: string; readonly publicIp: string }>
    /** Always with AllowReassociation=false. */
    associateAddress(request: {
      readonly allocationId: string
      readonly networkInterfaceId: string
    }): Call<{ readonly associationId: string }>
    disassociateAddress(request: { readonly associationId: string }): Call<void>
    releaseAddress(request: { readonly allocationId: string }): Call<void>
    createSecurityGroup(request: {
      readonly name: string
      readonly description: string
      readonly vpcId: string
      readonly tags: Tags
    }): Call<{ readonly groupId: string }>
    deleteSecurityGroup(request: { readonly groupId: string }): Call<void>
    authorizeSecurityGroupRules(request: RulesRequest): Call<void>
    revokeSecurityGroupRules(request: RulesRequest): Call<void>
    updateSecurityGroupRuleDescriptions(request: RulesRequest): Call<void>
    /** Replaces the whole group list of the interface; at least one group. */
    modifyNetworkInterfaceGroups(request: {
      readonly networkInterfaceId: string
      readonly groupIds: ReadonlyArray<string>
    }): Call<void>
    createTags(request: { readonly resourceIds: ReadonlyArray<string>; readonly tags: Tags }): Call<void>
  }
>()("kubestatic/ec2/Ec2") {}

export type Service = Ec2["Service"]
export type Operation = keyof Service

/** The EC2 action that a method sends (rules methods: by direction). */
export const actionOf = (operation: Operation, direction?: Direction): string => {
  switch (operation) {
    case "authorizeSecurityGroupRules":
      return `AuthorizeSecurityGroup${direction ?? "Ingress"}`
    case "revokeSecurityGroupRules":
      return `RevokeSecurityGroup${direction ?? "Ingress"}`
    case "updateSecurityGroupRuleDescriptions":
      return `UpdateSecurityGroupRuleDescriptions${direction ?? "Ingress"}`
    case "modifyNetworkInterfaceGroups":
      return "ModifyNetworkInterfaceAttribute"
    default:
      return operation.charAt(0).toUpperCase() + operation.slice(1)
  }
}
