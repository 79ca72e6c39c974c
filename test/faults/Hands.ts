/**
 * What others in the account do behind the operator's back.
 * Rule: only to what is ours, and only what anybody with a console could do; where there is nothing to do it to, nothing.
 */
import { Effect } from "effect"
import { Tag } from "../../src/domain/Names.ts"
import { merge, type Permission } from "../../src/domain/Permission.ts"
import { defaults } from "../../src/simulation/Ec2Conditions.ts"
import type { Ec2World, Group } from "../../src/simulation/Ec2World.ts"
import type { Hand } from "../../src/simulation/faults/Outcome.ts"
import { clusterId } from "./World.ts"

interface Place {
  readonly ec2: Ec2World["Service"]
  readonly act: <A, E>(effect: Effect.Effect<A, E>) => A
  readonly later: (millis: number, effect: Effect.Effect<unknown>) => void
}

const aMinute = 60_000

const stranger: Permission = {
  direction: "Ingress",
  protocol: "tcp",
  fromPort: 6_666,
  toPort: 6_666,
  sourceKind: "ipv4",
  source: "198.51.100.0/24",
  description: "by hand"
}

export const play = (
  hand: Exclude<Hand, "hand: every connection dies silently">,
  { act, ec2, later }: Place
): void => {
  const isOurs = ({ tags }: { readonly tags: Readonly<Record<string, string>> }) =>
    tags[Tag.clusterId] === clusterId
  const addresses = ec2.addresses().filter(isOurs)
  const groups = ec2.groups().filter(isOurs)
  const carriers = (group: Group) => ec2.interfaces().filter((i) => i.groupIds.includes(group.groupId))
  switch (hand) {
    case "hand: address taken off":
      for (const a of addresses) if (a.association !== undefined) act(ec2.hand.disassociate(a.allocationId))
      return
    case "hand: address released":
      for (const a of addresses) act(ec2.hand.release(a.allocationId))
      return
    case "hand: rules revoked":
      for (const { groupId, permissions } of groups) {
        for (const direction of ["Ingress", "Egress"] as const) {
          const open = permissions.filter((p) => p.direction === direction)
          if (open.length > 0) act(ec2.hand.revoke({ groupId, direction, permissions: merge(open) }))
        }
      }
      return
    case "hand: a rule added":
      for (const { groupId, permissions } of groups) {
        if (permissions.some((p) => p.fromPort === stranger.fromPort)) continue
        act(ec2.hand.authorize({ groupId, direction: "Ingress", permissions: merge([stranger]) }))
      }
      return
    case "hand: group taken off":
      for (const group of groups) {
        for (const i of carriers(group)) act(ec2.hand.detachGroup(i.networkInterfaceId, group.groupId))
      }
      return
    case "hand: foreign group put on":
      for (const i of ec2.interfaces()) {
        const name = `foreign-late-${i.networkInterfaceId}`
        if (ec2.groups().some((g) => g.name === name)) continue
        if (ec2.conditions().quotas.groups === 0) continue
        const { groupId } = act(ec2.hand.createGroup({ name, vpcId: i.vpcId }))
        act(ec2.hand.attachGroup(i.networkInterfaceId, groupId))
      }
      return
    case "hand: quotas reached for a minute": {
      const raised = Math.max(ec2.conditions().quotas.rulesPerGroup, defaults.quotas.rulesPerGroup)
      act(ec2.change({ quotas: { addresses: 0, groups: 0, rulesPerGroup: 0, groupsPerInterface: 1 } }))
      later(
        aMinute,
        Effect.suspend(() => {
          // Whoever raised one meanwhile is not undone.
          const rulesPerGroup = Math.max(ec2.conditions().quotas.rulesPerGroup, raised)
          return ec2.change({ quotas: { ...defaults.quotas, rulesPerGroup } })
        })
      )
      return
    }
    case "hand: credentials revoked for a minute":
      act(ec2.change({ areCredentialsValid: false }))
      later(aMinute, ec2.change({ areCredentialsValid: true }))
      return
  }
}
