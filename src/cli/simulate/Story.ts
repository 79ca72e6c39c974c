/**
 * What happens in a simulation, told line by line, and the picture of the moment.
 * Rule: told from the worlds' own books; a line is a fact with its world time.
 */
import { Tag } from "../../domain/Names.ts"
import * as Node from "../../domain/Node.ts"
import { nodes } from "../../kubernetes/Kubernetes.ts"
import * as Clocks from "../../simulation/Clocks.ts"
import type { ActorRow, NodeRow, Picture } from "./View.ts"
import type { World } from "./World.ts"

export interface Story {
  readonly lines: () => ReadonlyArray<string>
  readonly onLine: (listener: (line: string) => void) => void
}

const verbs: Readonly<Record<string, string>> = {
  RunInstances: "instance launched",
  TerminateInstances: "instance terminated",
  AllocateAddress: "address allocated",
  AssociateAddress: "address attached",
  DisassociateAddress: "address detached",
  ReleaseAddress: "address released",
  CreateSecurityGroup: "group made",
  DeleteSecurityGroup: "group deleted",
  AuthorizeSecurityGroupIngress: "ports opened",
  AuthorizeSecurityGroupEgress: "ways out opened",
  RevokeSecurityGroupIngress: "ports closed",
  RevokeSecurityGroupEgress: "ways out closed",
  ModifyNetworkInterfaceAttribute: "groups of an interface set"
}

const kept = 200

/** The part of a request that says what it is about. */
const aboutOf = (request: unknown): string => {
  if (typeof request !== "object" || request === null) return ""
  const r = request as Readonly<Record<string, unknown>>
  const tags = (r.tags ?? {}) as Readonly<Record<string, string>>
  const about =
    tags[Tag.externalIPName] ??
    tags[Tag.nodeName] ??
    r.networkInterfaceId ??
    r.groupId ??
    r.allocationId ??
    r.instanceId ??
    r.name
  return about === undefined ? "" : ` (${String(about)})`
}

export const of = (world: World): Story => {
  const lines: Array<string> = []
  const listeners: Array<(line: string) => void> = []
  world.ec2.onEntry((entry) => {
    const verb = verbs[entry.action]
    if (verb === undefined) return
    const outcome = entry.outcome === "OK" ? "" : `: ${entry.outcome}`
    const seconds = ((entry.at - Clocks.epoch) / 1000).toFixed(2).padStart(8)
    const line = `${seconds} s  ${verb}${aboutOf(entry.request)}${outcome}`
    lines.push(line)
    if (lines.length > kept) lines.shift()
    for (const listener of listeners) listener(line)
  })
  return { lines: () => lines, onLine: (listener) => listeners.push(listener) }
}

const rowOf = (world: World, node: Node.Node): NodeRow => {
  const placement = Node.placementOnAws(node)
  const instance = placement._tag === "Instance" ? world.ec2.instance(placement.instanceId) : undefined
  const attached = new Set(instance?.interfaces.flatMap((i) => i.groupIds) ?? [])
  const rules = world.ec2
    .groups()
    .filter((g) => attached.has(g.groupId) && g.tags[Tag.clusterId] === world.clusterId)
    .reduce((sum, g) => sum + g.permissions.length, 0)
  const state = node.isDeleting
    ? "going"
    : Node.isGoing(node)
      ? "going"
      : node.isUnschedulable
        ? "cordoned"
        : node.address !== undefined
          ? "served"
          : node.isAutoAssign
            ? "waiting"
            : "plain"
  return { name: node.name, address: node.address, rules, state }
}

const actorRows = (world: World): ReadonlyArray<ActorRow> =>
  [...Map.groupBy(world.operator.actors(), (a) => a.kind)].map(([kind, ofKind]) => {
    const notes = Map.groupBy(
      ofKind.flatMap((a) => (a.note === undefined ? [] : [a.note])),
      (note) => note
    )
    const [most] = [...notes].toSorted(([, a], [, b]) => b.length - a.length)
    return {
      kind,
      total: ofKind.length,
      running: ofKind.filter((a) => a.state === "Running").length,
      note: most?.[0]
    }
  })

export const picture =
  (o: {
    readonly world: World
    readonly title: string
    readonly story: Story
    readonly elapsed: (now: number) => number
    readonly floor: () => number
  }) =>
  (now: number): Picture => {
    const { world } = o
    const waiting = new Map(world.governor.fullness().map((f) => [f.action, f.waiting]))
    return {
      title: o.title,
      elapsedSeconds: o.elapsed(now),
      floorSeconds: o.floor(),
      nodes: world.cluster.all(nodes).map((raw) => rowOf(world, Node.decode(raw))),
      actors: actorRows(world),
      buckets: world.ec2.fullness(now).map((b) => ({
        action: b.action,
        tokens: b.tokens,
        capacity: b.capacity,
        calls: [...(world.ec2.calls().get(b.action)?.values() ?? [])].reduce((a, c) => a + c, 0),
        waiting: waiting.get(b.action) ?? 0
      })),
      story: o.story.lines()
    }
  }
