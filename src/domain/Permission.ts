/**
 * One EC2 rule: direction, protocol, ports and one source; expanded from EC2's merged form and merged back.
 * Rule: two permissions are the same rule exactly when their keys are equal; the description is not part of it.
 */
import { Result } from "effect"
import { sendable } from "./Description.ts"
import { canonicalCidr, isCidr } from "./IPv4.ts"
import * as Ports from "./Ports.ts"
import { canonicalProtocol, hasPorts, isProtocol } from "./Protocol.ts"

export { canonicalCidr, canonicalProtocol, hasPorts }

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

/**
 * The permissions a rule asks for, one per range, or in one line what can never work.
 * A description that EC2 would refuse is no reason to keep a port closed: the nearest that it takes is sent.
 */
export const fromSpec = (spec: {
  readonly direction: Direction
  readonly protocol: string
  readonly fromPort: number
  readonly toPort?: number
  readonly description?: string
  readonly ipRanges: ReadonlyArray<{ readonly cidr: string; readonly description?: string | null }>
}): Result.Result<ReadonlyArray<Permission>, string> => {
  if (!isProtocol.holds(spec.protocol)) {
    return Result.fail(`spec.protocol: ${JSON.stringify(spec.protocol)} ${isProtocol.message}`)
  }
  const broken = Ports.rules.find((rule) => !rule.holds(spec))
  if (broken !== undefined) return Result.fail(`spec.${broken.at}: ${broken.message}`)
  if (spec.ipRanges.length === 0) return Result.fail("spec.ipRanges: at least one IPv4 range is needed")
  const permissions = new Map<string, Permission>()
  for (const [i, range] of spec.ipRanges.entries()) {
    const source = canonicalCidr(range.cidr)
    if (source === undefined) {
      return Result.fail(`spec.ipRanges[${i}].cidr: ${JSON.stringify(range.cidr)} ${isCidr.message}`)
    }
    const permission: Permission = {
      direction: spec.direction,
      protocol: canonicalProtocol(spec.protocol),
      ...Ports.of(spec),
      sourceKind: "ipv4",
      source,
      description: sendable(range.description || spec.description || "")
    }
    // The same range written twice is one rule; the first description wins.
    if (!permissions.has(key(permission))) permissions.set(key(permission), permission)
  }
  return Result.succeed([...permissions.values()])
}

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
