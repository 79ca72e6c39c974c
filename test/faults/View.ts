/**
 * The true worlds as the invariants look at them: nodes, what rules want where, what is open where.
 * Rule: made from the objects and from EC2's state alone; computed when asked, and again only after a change.
 */
import { addressLabel, startupTaint, Tag } from "../../src/domain/Names.ts"
import type { Raw } from "../../src/domain/Object.ts"
import * as Permission from "../../src/domain/Permission.ts"
import type { Event } from "../../src/simulation/ApiServer.ts"
import { clusterId, type World } from "./World.ts"

export type Fields = Readonly<Record<string, unknown>>

export interface Node {
  readonly name: string
  readonly instanceId: string
  readonly label: string | undefined
  readonly isTainted: boolean
}

export interface Rule {
  readonly raw: Raw
  readonly keys: ReadonlySet<string>
}

export interface OurGroup {
  readonly nodeName: string
  readonly groupId: string
  /** Without the rule that every group is born with (CreateSecurityGroup), which goes before anything is awaited. */
  readonly keys: ReadonlyArray<string>
}

const specOf = (o: Raw): Fields => (o.spec ?? {}) as Fields
const statusOf = (o: Raw): Fields => (o.status ?? {}) as Fields
const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined

/** Identities that a FirewallRule describes. */
export const keys = (rule: Raw): ReadonlySet<string> => {
  const permissions = Permission.fromSpec(specOf(rule) as Parameters<typeof Permission.fromSpec>[0])
  return new Set(permissions._tag === "Failure" ? [] : permissions.success.map(Permission.key))
}

const nodeOf = (raw: Raw): Node => {
  const taints = (specOf(raw).taints ?? []) as ReadonlyArray<Fields>
  return {
    name: String(raw.metadata.name),
    instanceId:
      String(specOf(raw).providerID ?? "")
        .split("/")
        .at(-1) ?? "",
    label: text(((raw.metadata.labels ?? {}) as Fields)[addressLabel]),
    isTainted: taints.some((t) => t.key === startupTaint)
  }
}

export const make = ({ ec2 }: World) => {
  const nodes = new Map<string, Node>()
  const externalIPs = new Map<string, Raw>()
  const rules = new Map<string, Rule>()
  let wanted: ReadonlyMap<string, ReadonlySet<string>> | undefined
  let groups: ReadonlyArray<OurGroup> | undefined
  /** Instance by public IP. */
  let addresses: ReadonlyMap<string, string | undefined> | undefined
  let open = new Map<string, ReadonlySet<string>>()

  /** Where an address is: by EC2, whatever its object says, and by what was said of it last. */
  const carriersOf = (publicIp: string): ReadonlyArray<unknown> => {
    addresses ??= new Map(ec2.addresses().map((a) => [a.publicIp, a.association?.instanceId]))
    const holders = [...externalIPs.values()].map(statusOf).filter((s) => s.publicIPAddress === publicIp)
    return holders.length === 0 ? [] : [addresses.get(publicIp), ...holders.map((s) => s.instanceID)]
  }

  /** The nodes a rule is to be open on: more than one while the address that it follows is on its way. */
  const targetsOf = ({ raw }: Rule): ReadonlyArray<string> => {
    const { nodeName, publicIPAddress } = specOf(raw)
    const followed = text(publicIPAddress)
    if (followed === undefined) return text(nodeName) === undefined ? [] : [String(nodeName)]
    const carriers = carriersOf(followed)
    return [...nodes.values()].filter((n) => carriers.includes(n.instanceId)).map((n) => n.name)
  }

  const isLive = ({ raw }: Rule): boolean => raw.metadata.deletionTimestamp === undefined
  /** Those on their way out as well. */
  const rulesFor = (nodeName: string): ReadonlyArray<Rule> =>
    [...rules.values()].filter((r) => targetsOf(r).includes(nodeName))
  const rulesOn = (nodeName: string): ReadonlyArray<Rule> => rulesFor(nodeName).filter(isLive)

  const keysOfGroup = (permissions: ReadonlyArray<Permission.Permission>): ReadonlyArray<string> =>
    permissions.filter((p) => p.direction !== "Egress" || p.protocol !== "-1").map(Permission.key)

  const ourGroups = (): ReadonlyArray<OurGroup> => {
    groups ??= ec2
      .groups()
      .filter((g) => g.tags[Tag.clusterId] === clusterId)
      .map((g) => ({
        nodeName: g.tags[Tag.nodeName] ?? "",
        groupId: g.groupId,
        keys: keysOfGroup(g.permissions)
      }))
    return groups
  }

  return {
    /** Takes a change in; what was there before. */
    take: ({ object, resource, type }: Event): { readonly node: Node | undefined } => {
      const name = String(object.metadata.name)
      const isGone = type === "DELETED"
      const node = resource.kind === "Node" ? nodes.get(name) : undefined
      if (resource.kind === "Node") {
        if (isGone) nodes.delete(name)
        else nodes.set(name, nodeOf(object))
        open = new Map()
      } else if (resource.kind === "ExternalIP") {
        if (isGone) externalIPs.delete(name)
        else externalIPs.set(name, object)
      } else if (resource.kind === "FirewallRule") {
        const before = rules.get(name)
        const isSameSpec = before !== undefined && before.raw.spec === object.spec
        if (isGone) rules.delete(name)
        else rules.set(name, { raw: object, keys: isSameSpec ? before.keys : keys(object) })
      }
      wanted = undefined
      return { node }
    },
    ec2Changed: (): void => {
      addresses = undefined
      wanted = undefined
      groups = undefined
      open = new Map()
    },
    nodes: () => nodes.values(),
    node: (name: string) => nodes.get(name),
    externalIPs: () => [...externalIPs.values()],
    rulesFor,
    rulesOn,
    /** By a rule that is there still, be it on its way out: it goes when it has closed what it held. */
    isHeldByOthers: (key: string): boolean => [...rules.values()].some((r) => r.keys.has(key)),
    hasDisabledRules: () => [...rules.values()].some((r) => specOf(r.raw).disableReconciliation === true),
    keysOf: (rule: string): ReadonlySet<string> => rules.get(rule)?.keys ?? new Set(),
    groups: ourGroups,
    /** By node. */
    wanted: (): ReadonlyMap<string, ReadonlySet<string>> => {
      if (wanted !== undefined) return wanted
      const byNode = new Map<string, Set<string>>()
      for (const rule of rules.values()) {
        for (const nodeName of isLive(rule) ? targetsOf(rule) : []) {
          const of = byNode.get(nodeName) ?? new Set()
          for (const key of rule.keys) of.add(key)
          byNode.set(nodeName, of)
        }
      }
      wanted = byNode
      return byNode
    },
    /** Through groups of ours that its instance carries. */
    openOn: (node: Node): ReadonlySet<string> => {
      const known = open.get(node.instanceId)
      if (known !== undefined) return known
      const attached = new Set(ec2.instance(node.instanceId)?.interfaces.flatMap((i) => i.groupIds))
      const found = new Set(ourGroups().flatMap((g) => (attached.has(g.groupId) ? g.keys : [])))
      open.set(node.instanceId, found)
      return found
    }
  }
}
