/**
 * One EC2 rule: direction, protocol, ports and one source; expanded from EC2's merged form and merged back.
 * Rule: two permissions are the same rule exactly when their keys are equal; the description is not part of it.
 */
import { Result } from "effect"
import { IpInterface, IpNetwork } from "effect/net"

export type Direction = "Ingress" | "Egress"

/**
 * EC2's IpPermission: many sources in one entry (DescribeSecurityGroups merges by protocol and ports).
 * Field names are ours; the live client maps them.
 */
export interface IpPermission {
  /** tcp, udp, icmp, icmpv6, a protocol number, or -1. */
  readonly protocol: string
  /** First port or ICMP type; absent for protocols without ports. */
  readonly fromPort: number | undefined
  readonly toPort: number | undefined
  readonly ipv4: ReadonlyArray<Range>
  readonly ipv6: ReadonlyArray<Range>
  readonly prefixLists: ReadonlyArray<Range>
  readonly groups: ReadonlyArray<Range>
}

/** A source: a CIDR, a prefix list id, or a group id. */
export interface Range {
  readonly source: string
  readonly description: string
}

export type SourceKind = "ipv4" | "ipv6" | "prefixLists" | "groups"

export interface Permission {
  readonly direction: Direction
  readonly protocol: string
  readonly fromPort: number | undefined
  readonly toPort: number | undefined
  readonly sourceKind: SourceKind
  readonly source: string
  readonly description: string
}

/** The identity of a rule: (direction, protocol, from, to, one source). */
export const key = (p: Permission): string =>
  `${p.direction}|${p.protocol}|${p.fromPort ?? ""}|${p.toPort ?? ""}|${p.sourceKind}|${p.source}`

const sourceKinds: ReadonlyArray<SourceKind> = ["ipv4", "ipv6", "prefixLists", "groups"]

/** EC2's merged form -> one permission per source, canonical. */
export const expand = (
  direction: Direction,
  merged: ReadonlyArray<IpPermission>
): ReadonlyArray<Permission> =>
  merged.flatMap((p) => {
    const protocol = canonicalProtocol(p.protocol)
    const ports = hasPorts(protocol)
    return sourceKinds.flatMap((sourceKind) =>
      p[sourceKind].map(
        (range): Permission => ({
          direction,
          protocol,
          fromPort: ports ? p.fromPort : undefined,
          toPort: ports ? p.toPort : undefined,
          sourceKind,
          source: sourceKind === "ipv4" ? (canonicalCidr(range.source) ?? range.source) : range.source,
          description: range.description
        })
      )
    )
  })

/** Permissions of one direction -> EC2's merged form, one entry per protocol and ports, as one call sends them. */
export const merge = (permissions: ReadonlyArray<Permission>): ReadonlyArray<IpPermission> => {
  const entries = new Map<string, { -readonly [K in keyof IpPermission]: IpPermission[K] }>()
  for (const p of permissions) {
    const at = `${p.protocol}|${p.fromPort ?? ""}|${p.toPort ?? ""}`
    const entry = entries.get(at) ?? {
      protocol: p.protocol,
      fromPort: p.fromPort,
      toPort: p.toPort,
      ipv4: [],
      ipv6: [],
      prefixLists: [],
      groups: []
    }
    entry[p.sourceKind] = [...entry[p.sourceKind], { source: p.source, description: p.description }]
    entries.set(at, entry)
  }
  return [...entries.values()]
}

/** Canonical protocol: EC2 answers 6, 17, 1, 58 as tcp, udp, icmp, icmpv6, and lower case. */
export const canonicalProtocol = (protocol: string): string => {
  const lower = protocol.toLowerCase()
  const named = numbered.get(/^\d+$/.test(lower) ? String(Number(lower)) : lower)
  return named ?? (/^\d+$/.test(lower) ? String(Number(lower)) : lower)
}
const numbered: ReadonlyMap<string, string> = new Map([
  ["6", "tcp"],
  ["17", "udp"],
  ["1", "icmp"],
  ["58", "icmpv6"]
])

const isIcmp = (protocol: string): boolean => protocol === "icmp" || protocol === "icmpv6"
const isPorted = (protocol: string): boolean => protocol === "tcp" || protocol === "udp"
/** EC2 keeps ports (or type and code) for tcp, udp, icmp, icmpv6 only. */
export const hasPorts = (protocol: string): boolean => isPorted(protocol) || isIcmp(protocol)

/** `10.1.2.3/8` -> `10.0.0.0/8`, as EC2 stores it; undefined when it is no IPv4 CIDR. */
export const canonicalCidr = (cidr: string): string | undefined => {
  const parsed = IpInterface.ipv4FromString(cidr)
  return Result.isSuccess(parsed) && cidr.includes("/")
    ? IpNetwork.format(IpNetwork.fromInterface(parsed.success))
    : undefined
}

/** EC2's characters and length of a rule description (IpRange.Description). */
const allowedDescription = /^[a-zA-Z0-9 ._\-:/()#,@[\]+=&;{}!$*]{0,255}$/

/**
 * The permissions a rule asks for, or in one line what can never work.
 * A description that EC2 would refuse is no reason to keep a port closed where it was open: it is refused
 * at admission, and here only when it would be sent.
 */
export const fromSpec = (spec: {
  readonly direction: Direction
  readonly protocol: string
  readonly fromPort: number
  readonly toPort?: number
  readonly description?: string
  readonly ipRanges: ReadonlyArray<{ readonly cidr: string; readonly description?: string | null }>
}): Result.Result<ReadonlyArray<Permission>, string> => {
  const protocol = canonicalProtocol(spec.protocol)
  if (!hasPorts(protocol) && protocol !== "-1" && !(/^\d+$/.test(protocol) && Number(protocol) <= 255)) {
    return Result.fail(
      `spec.protocol: "${spec.protocol}" is not tcp, udp, icmp, icmpv6, a protocol number (0-255), or -1 for all`
    )
  }
  const ports = portRange(protocol, spec.fromPort, spec.toPort)
  if (Result.isFailure(ports)) return Result.fail(ports.failure)
  if (spec.ipRanges.length === 0) return Result.fail("spec.ipRanges: at least one IPv4 range is needed")
  const permissions = new Map<string, Permission>()
  for (const [i, range] of spec.ipRanges.entries()) {
    const cidr = canonicalCidr(range.cidr)
    if (cidr === undefined) {
      return Result.fail(`spec.ipRanges[${i}].cidr: "${range.cidr}" is not an IPv4 CIDR such as 10.0.0.0/8`)
    }
    const description = range.description || spec.description || ""
    if (!allowedDescription.test(description)) {
      return Result.fail(
        `spec.ipRanges[${i}].description: EC2 takes up to 255 of a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=&;{}!$*`
      )
    }
    const permission: Permission = {
      direction: spec.direction,
      protocol,
      fromPort: ports.success[0],
      toPort: ports.success[1],
      sourceKind: "ipv4",
      source: cidr,
      description
    }
    // The same range written twice is one rule; the first description wins.
    if (!permissions.has(key(permission))) permissions.set(key(permission), permission)
  }
  return Result.succeed([...permissions.values()])
}

const portRange = (
  protocol: string,
  from: number,
  to: number | undefined
): Result.Result<readonly [number | undefined, number | undefined], string> => {
  if (isPorted(protocol)) {
    const last = to ?? from
    if (!isWithin(from, 0, 65535)) return Result.fail(`spec.fromPort: ${from} is not a port (0-65535)`)
    if (!isWithin(last, 0, 65535)) return Result.fail(`spec.toPort: ${last} is not a port (0-65535)`)
    return from <= last
      ? Result.succeed([from, last])
      : Result.fail(`spec.toPort: ${last} is below spec.fromPort ${from}`)
  }
  if (isIcmp(protocol)) {
    const code = to ?? -1
    if (!isWithin(from, -1, 255)) return Result.fail(`spec.fromPort: ${from} is not an ICMP type (-1 to 255)`)
    if (!isWithin(code, -1, 255)) return Result.fail(`spec.toPort: ${code} is not an ICMP code (-1 to 255)`)
    return from === -1 && code !== -1
      ? Result.fail("spec.toPort: with all ICMP types (fromPort -1) the code is -1 too")
      : Result.succeed([from, code])
  }
  return Result.succeed([undefined, undefined])
}

const isWithin = (n: number, low: number, high: number): boolean =>
  Number.isInteger(n) && n >= low && n <= high

/** What is missing and what is in excess, by key. */
export const difference = (
  wanted: ReadonlyArray<Permission>,
  present: ReadonlyArray<Permission>
): { readonly missing: ReadonlyArray<Permission>; readonly excess: ReadonlyArray<Permission> } => {
  const wantedKeys = new Set(wanted.map(key))
  const presentKeys = new Set(present.map(key))
  return {
    missing: wanted.filter((p) => !presentKeys.has(key(p))),
    excess: present.filter((p) => !wantedKeys.has(key(p)))
  }
}
