/**
 * Whether everything asked for is true in both worlds, and nothing is left over.
 * Rule: judged from the objects and from EC2's true state alone, by other means than the operator's own: what it
 * believes, reports or remembers plays no part.
 */
import * as ExternalIP from "../domain/ExternalIP.ts"
import * as FirewallRule from "../domain/FirewallRule.ts"
import { Tag } from "../domain/Names.ts"
import * as Node from "../domain/Node.ts"
import type { Raw } from "../domain/Object.ts"
import * as Permission from "../domain/Permission.ts"
import type { Address } from "../ec2/Ec2.ts"
import { externalIPs, firewallRules, nodes } from "../kubernetes/Kubernetes.ts"
import type { Ec2World, Group } from "./Ec2World.ts"
import type { Cluster } from "./Kubernetes.ts"

export interface Truth {
  readonly nodes: number
  /** Nodes that hold an address of ours. */
  readonly attached: number
  /** Rules wanted, one per node and identity. */
  readonly rulesWanted: number
  /** Of those, open. */
  readonly rulesOpen: number
  /** What is there and nobody asks for, in words. */
  readonly orphans: ReadonlyArray<string>
  /** What is asked for and not so, or said and not so, in words. */
  readonly problems: ReadonlyArray<string>
}

export interface Worlds {
  readonly cluster: Cluster["Service"]
  readonly ec2: Ec2World["Service"]
  readonly clusterId: string
  /** Kept addresses are no orphans. */
  readonly keepsAddresses: boolean
}

/** An object that has not changed since is not decoded again: it is another one after every change. */
const remembered = <A>(decode: (raw: Raw) => A): ((raw: Raw) => A) => {
  const known = new WeakMap<Raw, A>()
  return (raw) => {
    const decoded = known.get(raw) ?? decode(raw)
    known.set(raw, decoded)
    return decoded
  }
}
const decodeNode = remembered(Node.decode)
const decodeExternalIP = remembered((raw) => ExternalIP.decode(raw))
const decodeFirewallRule = remembered((raw) => FirewallRule.decode(raw))

export const judge = ({ cluster, clusterId, ec2, keepsAddresses }: Worlds): Truth => {
  const orphans: Array<string> = []
  const problems: Array<string> = []
  const allNodes = cluster.all(nodes).map(decodeNode)
  const addressObjects = cluster.all(externalIPs).map(decodeExternalIP)
  const ruleObjects = cluster.all(firewallRules).map(decodeFirewallRule)
  const ours = ec2.addresses().filter((a) => a.tags[Tag.clusterId] === clusterId)
  const groups = ec2.groups().filter((g) => g.tags[Tag.clusterId] === clusterId)
  const nodeOf = new Map<string, Node.Node>()
  for (const node of allNodes) {
    const placement = Node.placementOnAws(node)
    if (placement._tag === "Instance") nodeOf.set(placement.instanceId, node)
  }
  const instanceOf = (name: string): string | undefined => {
    const node = allNodes.find((n) => n.name === name)
    const placement = node === undefined ? undefined : Node.placementOnAws(node)
    return placement?._tag === "Instance" ? placement.instanceId : undefined
  }
  const heldBy = Map.groupBy(
    ours.filter((a) => a.association !== undefined),
    (a) => nodeOf.get(a.association?.instanceId ?? "")?.name ?? ""
  )

  // Addresses.
  for (const [name, owned] of Map.groupBy(ours, (a) => a.tags[Tag.externalIPName] ?? "")) {
    const exists = addressObjects.some((e) => e.metadata.name === name)
    if (!exists && !keepsAddresses) orphans.push(`address ${owned[0]?.publicIp} of ${name}, which is gone`)
    if (owned.length > 1) orphans.push(`${owned.length} addresses for ExternalIP ${name}`)
  }
  const all = ec2.addresses()
  const holdsAnother = (instanceId: string, publicIp: string): boolean =>
    all.some((a) => a.association?.instanceId === instanceId && a.publicIp !== publicIp)
  for (const e of addressObjects) problems.push(...aboutExternalIP(e, ours, instanceOf, holdsAnother))

  // Nodes.
  for (const node of allNodes) {
    const held = heldBy.get(node.name) ?? []
    if (held.length > 1) problems.push(`node ${node.name} holds ${held.length} addresses`)
    if (node.address !== undefined && !held.some((a) => a.publicIp === node.address)) {
      orphans.push(`label ${node.address} on node ${node.name}, which does not hold it`)
    }
    const wantsOne =
      node.isAutoAssign && !Node.isCordoned(node) && !node.isDeleting && instanceOf(node.name) !== undefined
    if (wantsOne && held.length === 0) problems.push(`node ${node.name} has no address`)
    if (held.length === 1 && node.address !== held[0]?.publicIp) {
      problems.push(`node ${node.name} is not labelled with ${held[0]?.publicIp}`)
    }
    if (held.length === 1 && Node.hasStartupTaint(node))
      problems.push(`node ${node.name} still has the startup taint`)
  }

  // Rules.
  const wanted = new Map<string, Set<string>>()
  for (const rule of ruleObjects) {
    if (FirewallRule.isDeleting(rule)) {
      problems.push(`FirewallRule ${rule.metadata.name} is not gone yet`)
      continue
    }
    if (FirewallRule.isDisabled(rule) || rule.spec._tag === "Failure") continue
    const nodeName = targetOf(rule, ours, nodeOf, instanceOf)
    const isApplied = rule.status.state === "Applied"
    if (nodeName === undefined) {
      if (isApplied) problems.push(`FirewallRule ${rule.metadata.name} says Applied and has no node`)
      continue
    }
    if (!isApplied) problems.push(`FirewallRule ${rule.metadata.name} is not Applied on ${nodeName}`)
    const keys = wanted.get(nodeName) ?? new Set<string>()
    for (const p of rule.permissions) keys.add(Permission.key(p))
    wanted.set(nodeName, keys)
  }
  const openOn = (nodeName: string): ReadonlyArray<string> => {
    const attached = new Set(
      ec2.instance(instanceOf(nodeName) ?? "")?.interfaces.flatMap((i) => i.groupIds) ?? []
    )
    return groups.filter((g) => attached.has(g.groupId)).flatMap((g) => g.permissions.map(Permission.key))
  }
  let rulesWanted = 0
  let rulesOpen = 0
  for (const [nodeName, keys] of wanted) {
    const open = new Set(openOn(nodeName))
    rulesWanted += keys.size
    for (const key of keys) {
      if (open.has(key)) rulesOpen += 1
      else problems.push(`${key} is not open on ${nodeName}`)
    }
  }
  for (const group of groups) orphans.push(...aboutGroup(group, wanted))

  return {
    nodes: allNodes.length,
    attached: [...heldBy].filter(([name]) => name !== "").length,
    rulesWanted,
    rulesOpen,
    orphans,
    problems
  }
}

const aboutExternalIP = (
  e: ExternalIP.ExternalIP,
  ours: ReadonlyArray<Address>,
  instanceOf: (nodeName: string) => string | undefined,
  holdsAnother: (instanceId: string, publicIp: string) => boolean
): ReadonlyArray<string> => {
  const { name } = e.metadata
  if (ExternalIP.isDeleting(e)) return [`ExternalIP ${name} is not gone yet`]
  if (ExternalIP.isDisabled(e) || e.spec._tag === "Failure") return []
  const address = ours.find((a) => a.tags[Tag.externalIPName] === name)
  if (address === undefined) return [`ExternalIP ${name} has no address`]
  const said: Array<string> = []
  if (e.status.publicIPAddress !== address.publicIp)
    said.push(`ExternalIP ${name} does not say ${address.publicIp}`)
  const nodeName = ExternalIP.nodeName(e)
  const instanceId = nodeName === undefined ? undefined : instanceOf(nodeName)
  const at = address.association?.instanceId
  const isAssociated = e.status.state === "Associated"
  if (isAssociated && (at === undefined || at !== instanceId))
    said.push(`ExternalIP ${name} says Associated and is not`)
  if (nodeName === undefined && at !== undefined)
    said.push(`${address.publicIp} is attached and names no node`)
  // A node holds one address: who comes second waits, and says so.
  const isSecond = instanceId !== undefined && holdsAnother(instanceId, address.publicIp)
  if (instanceId !== undefined && at !== instanceId && !(isSecond && e.status.state === "Reserved")) {
    said.push(`${address.publicIp} is not on node ${nodeName}`)
  }
  if (instanceId !== undefined && at === instanceId && !isAssociated)
    said.push(`ExternalIP ${name} does not say Associated`)
  return said
}

const targetOf = (
  rule: FirewallRule.FirewallRule,
  ours: ReadonlyArray<Address>,
  nodeOf: ReadonlyMap<string, Node.Node>,
  instanceOf: (nodeName: string) => string | undefined
): string | undefined => {
  const followed = FirewallRule.publicIPAddress(rule)
  if (followed !== undefined) {
    const address = ours.find((a) => a.publicIp === followed)
    return nodeOf.get(address?.association?.instanceId ?? "")?.name
  }
  const nodeName = FirewallRule.nodeName(rule)
  return nodeName !== undefined && instanceOf(nodeName) !== undefined ? nodeName : undefined
}

const aboutGroup = (
  group: Group,
  wanted: ReadonlyMap<string, ReadonlySet<string>>
): ReadonlyArray<string> => {
  const nodeName = group.tags[Tag.nodeName] ?? ""
  const keys = wanted.get(nodeName)
  if (keys === undefined) return [`group ${group.name} for node ${nodeName}, on which nothing is to be open`]
  return group.permissions
    .map(Permission.key)
    .filter((key) => !keys.has(key))
    .map((key) => `${key} open on ${nodeName}`)
}

export const isTrue = (truth: Truth): boolean => truth.orphans.length === 0 && truth.problems.length === 0
