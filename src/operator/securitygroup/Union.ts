/**
 * What one node's group is to hold: the union of its rules, within what EC2 takes.
 * Rule: pure; the oldest objects win a quota, and what one bad rule asks for never holds up the others.
 */
import type * as FirewallRule from "../../domain/FirewallRule.ts"
import { byAge } from "../../domain/Metadata.ts"
import * as Permission from "../../domain/Permission.ts"

/** A rule that EC2 refuses, for one generation of its spec. */
export interface Refusal {
  readonly generation: number
  readonly message: string
}

export interface Limits {
  /** How many rules the group takes in this direction, learned from a refusal; undefined: not known. */
  readonly Ingress: number | undefined
  readonly Egress: number | undefined
}

export interface Union {
  /** One per identity, from the oldest rule that wants it. */
  readonly permissions: ReadonlyMap<string, Permission.Permission>
  /** Which rules want an identity, oldest first. */
  readonly owners: ReadonlyMap<string, ReadonlyArray<FirewallRule.FirewallRule>>
  /** Rules left out because the group is full. */
  readonly overLimit: ReadonlySet<FirewallRule.FirewallRule>
  /** What such rules hold open already stays, as far as older ones leave room for it. */
  readonly heldOverLimit: ReadonlySet<string>
  /** Rules left out because EC2 refuses them. What they already hold open stays. */
  readonly refused: ReadonlyMap<FirewallRule.FirewallRule, Refusal>
}

export const directions: ReadonlyArray<Permission.Direction> = ["Ingress", "Egress"]

export interface Holding {
  /** Identities that stay open where they are open: they take room in the group. */
  readonly staying: ReadonlySet<string>
  /** Identities that are open, but for those that were opened just now to find out how many fit. */
  readonly present: ReadonlySet<string>
  /** Rules of each direction in the group that holds most. */
  readonly most: Readonly<Record<Permission.Direction, number>>
}

export const unionOf = (
  rules: ReadonlyArray<FirewallRule.FirewallRule>,
  refusals: ReadonlyMap<string, Refusal>,
  limits: Limits,
  { most, present, staying }: Holding
): Union => {
  const permissions = new Map<string, Permission.Permission>()
  const owners = new Map<string, Array<FirewallRule.FirewallRule>>()
  const overLimit = new Set<FirewallRule.FirewallRule>()
  const refused = new Map<FirewallRule.FirewallRule, Refusal>()
  const heldOverLimit = new Set<string>()
  const heldRefused = new Set<string>()
  const room = (direction: Permission.Direction): number => {
    const learned = limits[direction]
    if (learned === undefined) return Number.POSITIVE_INFINITY
    const isOfDirection = (key: string) => key.startsWith(`${direction}|`)
    // More than it was said to take is there: the quota is another one by now, and nothing goes for its sake.
    const limit = Math.max(learned, most[direction])
    const others = new Set([...staying, ...heldOverLimit, ...heldRefused])
    const taken = [...others].filter((k) => isOfDirection(k) && !permissions.has(k)).length
    const held = [...permissions.values()].filter((p) => p.direction === direction).length
    return limit - taken - held
  }
  for (const rule of rules.toSorted((a, b) => byAge(a.metadata, b.metadata))) {
    const refusal = refusals.get(rule.metadata.uid)
    if (refusal !== undefined && refusal.generation === rule.metadata.generation) {
      refused.set(rule, refusal)
      for (const key of rule.permissions.map(Permission.key)) if (present.has(key)) heldRefused.add(key)
      continue
    }
    const added = rule.permissions.filter((p) => !permissions.has(Permission.key(p)))
    const needed = added.filter((p) => !staying.has(Permission.key(p))).length
    const direction = rule.permissions[0]?.direction
    if (direction !== undefined && needed > 0 && needed > room(direction)) {
      overLimit.add(rule)
      for (const key of added.map(Permission.key)) {
        if (present.has(key) && room(direction) > 0) heldOverLimit.add(key)
      }
      continue
    }
    for (const p of added) permissions.set(Permission.key(p), p)
    for (const p of rule.permissions) {
      owners.set(Permission.key(p), [...(owners.get(Permission.key(p)) ?? []), rule])
    }
  }
  return { permissions, owners, overLimit, heldOverLimit, refused }
}
