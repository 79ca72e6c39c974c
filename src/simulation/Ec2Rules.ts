/**
 * The rules of one security group of the simulated EC2: what a request may say, and what it does to the rules.
 * Rule: pure; a request is taken or refused as a whole, and stored rules are canonical.
 * Source: AuthorizeSecurityGroupIngress, RevokeSecurityGroupIngress and IpPermission of the EC2 API reference.
 */
import { Result } from "effect"
import { IpInterface, IpNetwork } from "effect/net"
import * as Permission from "../domain/Permission.ts"
import type { Conditions } from "./Ec2Conditions.ts"
import { accountId } from "./Ec2Ids.ts"
import { type Answer, refuse } from "./Ec2Refusal.ts"

type Permissions = ReadonlyArray<Permission.Permission>

const mistaken = (message: string) => refuse("InvalidParameterValue", message)

const allowedText = /^[a-zA-Z0-9 ._\-:/()#,@[\]+=&;{}!$*]*$/
export const maxDescriptionLength = 255

/** Descriptions of rules and groups, and names of groups, take the same characters. */
export const isAllowedText = (text: string): boolean =>
  text.length <= maxDescriptionLength && allowedText.test(text)

const isProtocol = (protocol: string): boolean =>
  Permission.hasPorts(protocol) ||
  protocol === "-1" ||
  (/^\d{1,3}$/.test(protocol) && Number(protocol) <= 255)

const isWithin = (n: number, low: number, high: number): boolean =>
  Number.isInteger(n) && n >= low && n <= high

/** Undefined: fine. EC2 ignores ports where a protocol has none. */
const portTrouble = (protocol: string, p: Permission.IpPermission): string | undefined => {
  if (!Permission.hasPorts(protocol)) return undefined
  if (p.fromPort === undefined || p.toPort === undefined) return `${protocol} needs FromPort and ToPort`
  if (protocol === "icmp" || protocol === "icmpv6") {
    if (!isWithin(p.fromPort, -1, 255)) return `Invalid ICMP type: ${p.fromPort}`
    if (!isWithin(p.toPort, -1, 255)) return `Invalid ICMP code: ${p.toPort}`
    return p.fromPort === -1 && p.toPort !== -1 ? "All ICMP types take no code but -1" : undefined
  }
  if (!isWithin(p.fromPort, 0, 65_535) || !isWithin(p.toPort, 0, 65_535)) return "Invalid TCP/UDP port"
  return p.fromPort > p.toPort ? `Invalid TCP/UDP port range (${p.fromPort}:${p.toPort})` : undefined
}

const canonicalIpv6 = (cidr: string): string | undefined => {
  const parsed = IpInterface.ipv6FromString(cidr, { prefix: "required" })
  return Result.isSuccess(parsed) ? IpNetwork.format(IpNetwork.fromInterface(parsed.success)) : undefined
}

const groupSource = /^(?:(\d{12})\/)?(sg-[0-9a-f]{8,17})$/

/** A group as the source of a rule: EC2 shows it with its account always, and takes it as ours without one. */
export const sourceOf = (groupId: string, owner = accountId): string => `${owner}/${groupId}`

const canonicalSource = (kind: Permission.SourceKind, source: string): string | undefined => {
  switch (kind) {
    case "ipv4":
      return Permission.canonicalCidr(source)
    case "ipv6":
      return canonicalIpv6(source)
    case "prefixLists":
      return /^pl-[0-9a-f]{8,17}$/.test(source) ? source : undefined
    case "groups":
      return groupSource.test(source)
        ? source.replace(groupSource, (_, owner, id) => sourceOf(id, owner))
        : undefined
  }
}

/**
 * What the permissions of a request ask for, one by one and canonical; whether referenced groups exist is not
 * looked at here. Refuses with InvalidParameterValue or MissingParameter.
 */
export const read = (
  direction: Permission.Direction,
  request: ReadonlyArray<Permission.IpPermission>
): Answer<Permissions> => {
  if (request.length === 0) return refuse("MissingParameter", "The request must contain IpPermissions")
  const asked = new Map<string, Permission.Permission>()
  for (const p of request) {
    const protocol = Permission.canonicalProtocol(p.protocol)
    // The domain knows "all" as a word of users; EC2 does not.
    if (p.protocol.toLowerCase() === "all" || !isProtocol(protocol)) {
      return mistaken(`Invalid value '${p.protocol}' for IP protocol. Unknown protocol.`)
    }
    const trouble = portTrouble(protocol, p)
    if (trouble !== undefined) return mistaken(trouble)
    const single = Permission.expand(direction, [p])
    if (single.length === 0) return refuse("MissingParameter", "A permission needs a source or destination")
    for (const one of single) {
      const source = canonicalSource(one.sourceKind, one.source)
      if (source === undefined) return mistaken(`${one.source} is not a valid source (${one.sourceKind})`)
      if (!isAllowedText(one.description)) {
        return mistaken("Invalid rule description. Valid descriptions are strings of at most 255 characters")
      }
      const permission = { ...one, source }
      const key = Permission.key(permission)
      if (asked.has(key)) return mistaken("The same permission must not appear multiple times")
      asked.set(key, permission)
    }
  }
  return Result.succeed([...asked.values()])
}

/** A rule whose source is a group or a prefix list counts for both families ("Amazon VPC quotas"). */
const countsAs = (family: "ipv4" | "ipv6") => (p: Permission.Permission) =>
  p.sourceKind === family || p.sourceKind === "groups" || p.sourceKind === "prefixLists"

const exceeds = (after: Permissions, limit: number): boolean =>
  after.filter(countsAs("ipv4")).length > limit || after.filter(countsAs("ipv6")).length > limit

/** What a group's rules of one direction are after a request, and what the caller is told. */
export interface Outcome {
  readonly after: Permissions
  readonly answer: Answer<void>
}

const unchanged = (after: Permissions, answer: Answer<void>): Outcome => ({ after, answer })

/** `present` and `asked` are of one direction. */
export const authorize = (
  present: Permissions,
  asked: Permissions,
  limit: number,
  restOfDuplicate: Conditions["restOfDuplicate"]
): Outcome => {
  const { missing } = Permission.difference(asked, present)
  const isRepeated = missing.length < asked.length
  const duplicate = refuse("InvalidPermission.Duplicate", "the specified rule already exists")
  if (isRepeated && restOfDuplicate === "refused") return unchanged(present, duplicate)
  const after = [...present, ...missing]
  if (missing.length > 0 && exceeds(after, limit)) {
    return unchanged(
      present,
      refuse(
        "RulesPerSecurityGroupLimitExceeded",
        "The maximum number of rules per security group has been reached."
      )
    )
  }
  return { after, answer: isRepeated ? duplicate : Result.succeed(undefined) }
}

const notThere = refuse(
  "InvalidPermission.NotFound",
  "The specified rule does not exist in this security group."
)

export const revoke = (present: Permissions, asked: Permissions): Outcome => {
  if (Permission.difference(asked, present).missing.length > 0) return unchanged(present, notThere)
  return { after: Permission.difference(asked, present).excess, answer: Result.succeed(undefined) }
}

/** Gives stored rules the descriptions of the request. */
export const describe = (present: Permissions, asked: Permissions): Outcome => {
  if (Permission.difference(asked, present).missing.length > 0) return unchanged(present, notThere)
  const descriptions = new Map(asked.map((p) => [Permission.key(p), p.description]))
  return {
    after: present.map((p) => ({ ...p, description: descriptions.get(Permission.key(p)) ?? p.description })),
    answer: Result.succeed(undefined)
  }
}

/** "By default, a security group includes an outbound rule that allows all outbound traffic." */
export const ofNewGroup = (vpc: { readonly hasIpv6: boolean }): Permissions => {
  const all = (sourceKind: "ipv4" | "ipv6", source: string): Permission.Permission => ({
    direction: "Egress",
    protocol: "-1",
    fromPort: undefined,
    toPort: undefined,
    sourceKind,
    source,
    description: ""
  })
  return vpc.hasIpv6 ? [all("ipv4", "0.0.0.0/0"), all("ipv6", "::/0")] : [all("ipv4", "0.0.0.0/0")]
}
