/**
 * A call to EC2 as data, for an account whose ids are not known yet.
 * Rule: a resource is named by its place among those that were made before, so that a sequence means the same to every
 * EC2, and still means something when a part of it is left out.
 */
import type { Direction, IpPermission } from "../../../src/domain/Permission.ts"
import type { Operation } from "../../../src/ec2/Ec2.ts"

export type Tags = Readonly<Record<string, string>>

/** Which ids there are; "group" without the VPC's own, which is "default-group". */
export type Made =
  | "address"
  | "public-address"
  | "association"
  | "group"
  | "interface"
  | "instance"
  | "default-group"
  | "vpc"

/** The n-th that was made, counted round; or an id of nothing, or no id at all. */
export type Ref = { readonly made: Made; readonly n: number } | "unknown" | "malformed"

interface Rules {
  readonly group: Ref
  readonly direction: Direction
  readonly permissions: ReadonlyArray<IpPermission>
  /** Sources of the first permission besides those it has. */
  readonly sources: ReadonlyArray<Ref>
}

export type Request =
  | { readonly call: "allocateAddress"; readonly tags: Tags }
  | { readonly call: "associateAddress"; readonly address: Ref; readonly interface: Ref }
  | { readonly call: "disassociateAddress"; readonly association: Ref }
  | { readonly call: "releaseAddress"; readonly address: Ref }
  | {
      readonly call: "createSecurityGroup"
      readonly name: string
      readonly description: string
      readonly vpc: Ref
      readonly tags: Tags
    }
  | { readonly call: "deleteSecurityGroup"; readonly group: Ref }
  | ({
      readonly call:
        | "authorizeSecurityGroupRules"
        | "revokeSecurityGroupRules"
        | "updateSecurityGroupRuleDescriptions"
    } & Rules)
  | {
      readonly call: "modifyNetworkInterfaceGroups"
      readonly interface: Ref
      readonly groups: ReadonlyArray<Ref>
    }
  | { readonly call: "createTags"; readonly resources: ReadonlyArray<Ref>; readonly tags: Tags }
  | {
      readonly call: "describeAddresses"
      readonly ids?: ReadonlyArray<Ref>
      readonly tags?: Readonly<Record<string, ReadonlyArray<string>>>
    }
  | {
      readonly call: "describeSecurityGroups"
      readonly ids?: ReadonlyArray<Ref>
      readonly tags?: Readonly<Record<string, ReadonlyArray<string>>>
      readonly names?: ReadonlyArray<string>
      readonly vpcs?: ReadonlyArray<Ref>
    }
  | { readonly call: "describeInstances"; readonly ids: ReadonlyArray<Ref> }
  | {
      readonly call: "describeNetworkInterfaces"
      readonly ids?: ReadonlyArray<Ref>
      readonly groups?: ReadonlyArray<Ref>
      readonly instances?: ReadonlyArray<Ref>
    }
  /** By the owner of the account. */
  | { readonly call: "terminate"; readonly instance: Ref }

type Unasked = Exclude<Operation, Request["call"]>
/** Compiles as long as every method of the service is asked. */
export const isEveryMethodAsked: [Unasked] extends [never] ? true : false = true

const isRef = (value: unknown): value is Exclude<Ref, string> =>
  typeof value === "object" && value !== null && "made" in value

/** In words, for a person who reads a sequence. */
export const described = ({ call, ...input }: Request): string =>
  `${call} ${JSON.stringify(input, (_, value: unknown) => (isRef(value) ? `${value.made}#${value.n}` : value))}`
