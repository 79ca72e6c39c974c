/**
 * Which actors a change concerns.
 * Rule: pure apart from look-ups by index; a change that no plan of an actor reads never wakes it, and a wake
 * never says what to do.
 */
import * as ExternalIP from "../domain/ExternalIP.ts"
import * as FirewallRule from "../domain/FirewallRule.ts"
import { Tag } from "../domain/Names.ts"
import type { Node } from "../domain/Node.ts"
import * as Permission from "../domain/Permission.ts"
import type { InventoryChange } from "../ec2/Inventory.ts"
import type * as Store from "../kubernetes/Store.ts"
import { targetOf } from "./firewallrule/Target.ts"
import { type ActorRef, assignmentKey, type Kind } from "./Kinds.ts"
import type { Change, Mirrors } from "./Mirrors.ts"
import { changedRules } from "./Reports.ts"
import type { Settings } from "./Settings.ts"
import { surroundings } from "./Surroundings.ts"

const assignment: ActorRef = { kind: "Assignment", key: assignmentKey }
const actor = (kind: Kind, key: string | undefined): ReadonlyArray<ActorRef> =>
  key === undefined ? [] : [{ kind, key }]
const externalIPs = (objects: ReadonlyArray<ExternalIP.ExternalIP>): ReadonlyArray<ActorRef> =>
  objects.flatMap((e) => actor("ExternalIP", e.metadata.name))
const firewallRules = (objects: ReadonlyArray<FirewallRule.FirewallRule>): ReadonlyArray<ActorRef> =>
  objects.flatMap((r) => actor("FirewallRule", r.metadata.name))

export const make = (mirrors: Mirrors["Service"], settings: Settings["Service"]) => {
  const around = surroundings(mirrors)

  const instanceOf = (node: Node | undefined): string | undefined => {
    if (node === undefined) return undefined
    const placement = settings.placementOf(node)
    return placement._tag === "Instance" ? placement.instanceId : undefined
  }
  const nodesOn = (instanceId: string | undefined): ReadonlyArray<Node> =>
    instanceId === undefined ? [] : mirrors.nodes.find("instance", instanceId)

  /** Everything whose plan reads this node. */
  const ofNode = ({ after, before, key }: Store.Change<Node>): ReadonlyArray<ActorRef> => {
    const rules = [...mirrors.firewallRules.find("node", key), ...mirrors.firewallRules.find("openOn", key)]
    const instances = new Set([instanceOf(before), instanceOf(after)])
    const followers = [...instances].flatMap((id) =>
      id === undefined ? [] : mirrors.externalIPs.find("instance", id).flatMap(followersOf)
    )
    const labels = new Set([before?.address, after?.address])
    const holders = [...labels].flatMap((ip) =>
      ip === undefined ? [] : mirrors.externalIPs.find("publicIP", ip)
    )
    const attached = [...instances].flatMap((id) =>
      id === undefined ? [] : mirrors.inventory.addressesOn(id).map((a) => a.tags[Tag.externalIPName])
    )
    const isInPlay = rules.length > 0 || followers.length > 0 || mirrors.inventory.groupsOf(key).length > 0
    return [
      ...actor("Node", key),
      assignment,
      ...externalIPs(mirrors.externalIPs.find("node", key)),
      ...externalIPs(holders),
      ...attached.flatMap((name) => actor("ExternalIP", name)),
      ...(isInPlay ? actor("SecurityGroup", key) : []),
      ...firewallRules(rules),
      ...firewallRules(followers)
    ]
  }

  const followersOf = (e: ExternalIP.ExternalIP): ReadonlyArray<FirewallRule.FirewallRule> =>
    e.status.publicIPAddress === undefined
      ? []
      : mirrors.firewallRules.find("publicIP", e.status.publicIPAddress)

  /** ExternalIPs whose addresses are attached to a node's instance, meant for it or not. */
  const nodeAddresses = (nodeName: string | undefined): ReadonlyArray<ActorRef> => {
    const instanceId = instanceOf(nodeName === undefined ? undefined : mirrors.nodes.get(nodeName))
    const attached = instanceId === undefined ? [] : mirrors.inventory.addressesOn(instanceId)
    return attached.flatMap((a) => actor("ExternalIP", a.tags[Tag.externalIPName]))
  }

  const ofExternalIP = (change: Store.Change<ExternalIP.ExternalIP>): ReadonlyArray<ActorRef> =>
    [change.before, change.after].flatMap((e) => {
      if (e === undefined) return []
      const nodeName = ExternalIP.nodeName(e)
      const holders = nodesOn(e.status.instanceID)
      const followers = followersOf(e)
      return [
        ...actor("ExternalIP", e.metadata.name),
        ...(isForAssignment(change) ? [assignment] : []),
        ...actor("Node", nodeName),
        ...holders.flatMap((n) => actor("Node", n.name)),
        ...mirrors.inventory
          .addressesOf(e.metadata.name)
          .flatMap((a) => nodesOn(a.association?.instanceId).flatMap((n) => actor("Node", n.name))),
        // What is on that node and not meant for it makes room.
        ...nodeAddresses(nodeName),
        // Others that name the same node may have their turn now.
        ...(nodeName === undefined
          ? []
          : externalIPs(
              mirrors.externalIPs.find("node", nodeName).filter((o) => o.metadata.name !== e.metadata.name)
            )),
        ...firewallRules(followers),
        ...(followers.length === 0 ? [] : holders.flatMap((n) => actor("SecurityGroup", n.name)))
      ]
    })

  const ofFirewallRule = (change: Store.Change<FirewallRule.FirewallRule>): ReadonlyArray<ActorRef> =>
    [change.before, change.after].flatMap((r) => {
      if (r === undefined) return []
      const target = targetOf(r, around)
      const group = r.status.firewallRuleID
      const groupNode = group === undefined ? undefined : mirrors.inventory.group(group)?.tags[Tag.nodeName]
      // A rule that is closed on one node lets others of that node go.
      const siblings = FirewallRule.isDeleting(r) ? [] : deletingOn(r.status.nodeName)
      return [
        ...actor("FirewallRule", r.metadata.name),
        ...(target._tag === "Node" ? actor("SecurityGroup", target.nodeName) : []),
        ...actor("SecurityGroup", r.status.nodeName),
        ...actor("SecurityGroup", groupNode),
        ...(change.before === undefined || change.after === undefined
          ? actor("Node", FirewallRule.nodeName(r))
          : []),
        ...firewallRules(siblings)
      ]
    })

  const deletingOn = (nodeName: string | undefined): ReadonlyArray<FirewallRule.FirewallRule> =>
    nodeName === undefined
      ? []
      : [
          ...mirrors.firewallRules.find("openOn", nodeName),
          ...mirrors.firewallRules.find("node", nodeName)
        ].filter(FirewallRule.isDeleting)

  const ofEc2 = (change: InventoryChange): ReadonlyArray<ActorRef> => {
    switch (change._tag) {
      case "Address":
        return [change.before, change.after].flatMap((a) => {
          if (a === undefined) return []
          const nodes = nodesOn(a.association?.instanceId)
          const isKept = mirrors.externalIPs.get(a.tags[Tag.externalIPName] ?? "") === undefined
          return [
            ...actor("ExternalIP", a.tags[Tag.externalIPName]),
            ...externalIPs(mirrors.externalIPs.find("addressID", a.allocationId)),
            ...nodes.flatMap((n) => actor("Node", n.name)),
            // The address that left may be what another ExternalIP of that node waited for.
            ...nodes.flatMap((n) => externalIPs(mirrors.externalIPs.find("node", n.name))),
            ...(isKept ? [assignment] : [])
          ]
        })
      case "Group":
        return [change.before, change.after].flatMap((g) => {
          if (g === undefined) return []
          const nodeName = g.tags[Tag.nodeName]
          return [
            ...actor("SecurityGroup", nodeName),
            ...firewallRules(deletingOn(nodeName)),
            ...firewallRules(mirrors.firewallRules.find("group", g.groupId).filter(FirewallRule.isDeleting)),
            // They wait until no group holds what they describe, whoever opened it there.
            ...firewallRules(
              g.permissions.flatMap((p) => mirrors.firewallRules.find("closing", Permission.key(p)))
            )
          ]
        })
      case "Instance":
        return nodesOn(change.instanceId).flatMap((n) => [
          ...externalIPs(mirrors.externalIPs.find("node", n.name)),
          ...actor("SecurityGroup", n.name)
        ])
    }
  }

  return (change: Change): ReadonlyArray<ActorRef> => {
    switch (change._tag) {
      case "Node":
        return ofNode(change.change)
      case "Pod":
        return [assignment]
      case "ExternalIP":
        return ofExternalIP(change.change)
      case "FirewallRule":
        return ofFirewallRule(change.change)
      case "Ec2":
        return ofEc2(change.change)
      case "Report":
        return changedRules(change.before, change.after).flatMap((name) => actor("FirewallRule", name))
    }
  }
}

/** What assignment reads of an ExternalIP; its other statuses are none of its business. */
const isForAssignment = ({ after, before }: Store.Change<ExternalIP.ExternalIP>): boolean =>
  before === undefined ||
  after === undefined ||
  before.metadata.generation !== after.metadata.generation ||
  before.metadata.deletionTimestamp !== after.metadata.deletionTimestamp ||
  ExternalIP.isAutoAssigned(before) !== ExternalIP.isAutoAssigned(after) ||
  before.status.publicIPAddress !== after.status.publicIPAddress ||
  before.status.state !== after.status.state
