/**
 * How both worlds are once everything has come to rest, to be compared with another run's.
 * Rule: what chance decides (ids, addresses, generated names, times) is left out; everything else is in.
 */
import { addressLabel, autoAssignLabel, startupTaint, Tag } from "../../src/domain/Names.ts"
import * as Permission from "../../src/domain/Permission.ts"
import { externalIPs, firewallRules, nodes } from "../../src/kubernetes/Kubernetes.ts"
import { clusterId, type World } from "./World.ts"

type Fields = Readonly<Record<string, unknown>>

export const of = (world: World): string => {
  const { cluster, ec2 } = world
  const allNodes = cluster.all(nodes)
  const nodeOf = new Map(
    allNodes.map((n) => [
      String((n.spec as Fields | undefined)?.providerID)
        .split("/")
        .at(-1) ?? "",
      String(n.metadata.name)
    ])
  )
  const lines = [
    ...allNodes.map((n) => {
      const labels = (n.metadata.labels ?? {}) as Fields
      const taints = ((n.spec as Fields | undefined)?.taints ?? []) as ReadonlyArray<Fields>
      const isTainted = taints.some((t) => t.key === startupTaint)
      return `node ${n.metadata.name}${labels[addressLabel] === undefined ? "" : " labelled"}${isTainted ? " tainted" : ""}`
    }),
    ...cluster.all(externalIPs).map((e) => {
      const isAuto = ((e.metadata.labels ?? {}) as Fields)[autoAssignLabel] === "true"
      const { nodeName } = (e.spec ?? {}) as Fields
      const { state } = (e.status ?? {}) as Fields
      return `ExternalIP ${isAuto ? "auto" : e.metadata.name} ${state} on ${nodeName}`
    }),
    ...cluster.all(firewallRules).map((r) => {
      const { nodeName, state } = (r.status ?? {}) as Fields
      return `FirewallRule ${r.metadata.name} ${state} on ${nodeName}`
    }),
    ...ec2
      .addresses()
      .filter((a) => a.tags[Tag.clusterId] === clusterId)
      .map((a) => `address on ${nodeOf.get(a.association?.instanceId ?? "")}`),
    ...ec2
      .groups()
      .filter((g) => g.tags[Tag.clusterId] === clusterId)
      .map((g) => `group of ${g.tags[Tag.nodeName]}: ${g.permissions.map(Permission.key).sort().join(" ")}`)
  ]
  return lines.sort().join("\n")
}
