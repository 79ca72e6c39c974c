/**
 * Whether what Kubernetes says and what EC2 has are the same, and are what objects ask for.
 * Rule: judged from both worlds' own answers by plain comparison; nothing of the operator's code is used.
 */
import type { Address, Group, Instance } from "./Cloud.ts"
import type { Manifest } from "./Kubectl.ts"

export interface Worlds {
  readonly externalIPs: ReadonlyArray<Manifest>
  readonly firewallRules: ReadonlyArray<Manifest>
  readonly nodes: ReadonlyArray<Manifest>
  readonly addresses: ReadonlyArray<Address>
  readonly groups: ReadonlyArray<Group>
  readonly instances: ReadonlyArray<Instance>
}

const prefix = "kubestatic.quortex.io/"
const tag = {
  name: `${prefix}external-ip-name`,
  node: `${prefix}node-name`,
  managed: `${prefix}managed`
} as const
const addressLabel = `${prefix}externalip`
const startupTaint = "node.kubestatic.quortex.io/externalip-not-attached"
/** Set by those who are about to take a node away. */
const leavingTaints = ["karpenter.sh/disrupted", "ToBeDeletedByClusterAutoscaler"]

const nameOf = (object: Manifest): string => object.metadata.name
const instanceOf = (node: Manifest): string =>
  String(node.spec?.providerID ?? "")
    .split("/")
    .at(-1) ?? ""

const ofAddresses = (w: Worlds): ReadonlyArray<string> => {
  const wrong: Array<string> = []
  const nodes = new Map(w.nodes.map((n) => [nameOf(n), n]))
  const ours = w.addresses.filter((a) => a.tags[tag.managed] === "true")
  for (const object of w.externalIPs) {
    const name = nameOf(object)
    const [address, ...more] = ours.filter((a) => a.tags[tag.name] === name)
    if (address === undefined) {
      wrong.push(`ExternalIP ${name} has no address`)
      continue
    }
    if (more.length > 0) wrong.push(`ExternalIP ${name} has ${more.length + 1} addresses`)
    if (object.status?.addressID !== address.allocationId) {
      wrong.push(`ExternalIP ${name} says ${object.status?.addressID}, EC2 ${address.allocationId}`)
    }
    const wanted = String(object.spec?.nodeName ?? "")
    const node = nodes.get(wanted)
    const state = wanted === "" || node === undefined ? "Reserved" : "Associated"
    if (object.status?.state !== state) {
      wrong.push(`ExternalIP ${name} is ${object.status?.state} and not ${state}`)
    }
    const instance = node === undefined ? undefined : instanceOf(node)
    if (address.instanceId !== instance) {
      wrong.push(`the address of ${name} is on ${address.instanceId} and not on ${instance}`)
    }
  }
  const names = new Set(w.externalIPs.map(nameOf))
  for (const address of ours) {
    if (!names.has(address.tags[tag.name] ?? "")) {
      wrong.push(`address ${address.allocationId} of ${address.tags[tag.name]} is leaked`)
    }
  }
  return wrong
}

const ofNodes = (w: Worlds): ReadonlyArray<string> =>
  w.nodes.flatMap((node) => {
    const name = nameOf(node)
    const naming = w.externalIPs.filter((e) => e.spec?.nodeName === name)
    const attached = naming.find((e) => e.status?.state === "Associated")
    const label = node.metadata.labels?.[addressLabel]
    const taints = (node.spec?.taints ?? []) as ReadonlyArray<{ readonly key: string }>
    const isTainted = taints.some((t) => t.key === startupTaint)
    const isLeaving = node.spec?.unschedulable === true || taints.some((t) => leavingTaints.includes(t.key))
    const wantsOne = node.metadata.labels?.[`${prefix}externalip-auto-assign`] === "true"
    return [
      ...(naming.length > 1 ? [`node ${name} is named by ${naming.map(nameOf).join(", ")}`] : []),
      ...(wantsOne && !isLeaving && naming.length === 0 ? [`node ${name} has no ExternalIP`] : []),
      ...(label === attached?.status?.publicIPAddress
        ? []
        : [`node ${name} is labelled ${label}, attached is ${attached?.status?.publicIPAddress}`]),
      ...(isTainted && attached !== undefined ? [`node ${name} is tainted still`] : [])
    ]
  })

interface Spec {
  readonly nodeName?: string
  readonly publicIPAddress?: string
  readonly direction: string
  readonly protocol: string
  readonly fromPort: number
  readonly toPort?: number
  readonly ipRanges: ReadonlyArray<{ readonly cidr: string }>
}

/** The suites that ask for the truth write their rules as EC2 does: names in lower case, no host bits. */
const wantedLines = (spec: Spec): ReadonlyArray<string> =>
  spec.ipRanges.map(({ cidr }) => {
    if (spec.protocol === "-1" || !["tcp", "udp", "icmp"].includes(spec.protocol)) {
      return `${spec.protocol} ${cidr}`
    }
    const last = spec.toPort ?? (spec.protocol === "icmp" ? -1 : spec.fromPort)
    return `${spec.protocol}:${spec.fromPort}-${last} ${cidr}`
  })

const targetOf = (w: Worlds, spec: Spec): string | undefined => {
  if (!spec.publicIPAddress) return spec.nodeName
  const holder = w.externalIPs.find(
    (e) => e.status?.publicIPAddress === spec.publicIPAddress && e.status?.state === "Associated"
  )
  return holder === undefined ? undefined : String(holder.spec?.nodeName)
}

const sorted = (lines: Iterable<string>): ReadonlyArray<string> => [...new Set(lines)].sort()
const same = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): boolean => a.join("\n") === b.join("\n")

const ofRules = (w: Worlds): ReadonlyArray<string> => {
  const wrong: Array<string> = []
  const nodes = new Map(w.nodes.map((n) => [nameOf(n), n]))
  const wanted = new Map<string, Array<Spec>>()
  for (const rule of w.firewallRules) {
    const spec = rule.spec as unknown as Spec
    const target = targetOf(w, spec)
    const isOpenable = target !== undefined && nodes.has(target)
    const state = isOpenable ? "Applied" : "Pending"
    if (rule.status?.state !== state) {
      wrong.push(`FirewallRule ${nameOf(rule)} is ${rule.status?.state} and not ${state}`)
    }
    if (isOpenable) wanted.set(target, [...(wanted.get(target) ?? []), spec])
  }
  const ours = w.groups.filter((g) => g.tags[tag.managed] === "true")
  for (const [name, specs] of wanted) {
    const [group, ...more] = ours.filter((g) => g.tags[tag.node] === name)
    if (group === undefined) {
      wrong.push(`node ${name} has no group for ${specs.length} rules`)
      continue
    }
    if (more.length > 0) wrong.push(`node ${name} has ${more.length + 1} groups`)
    for (const direction of ["Ingress", "Egress"] as const) {
      const lines = sorted(specs.filter((s) => s.direction === direction).flatMap(wantedLines))
      const open = direction === "Ingress" ? group.ingress : group.egress
      if (!same(lines, sorted(open))) {
        wrong.push(`${direction} of ${name}: wanted [${lines.join(", ")}], open [${open.join(", ")}]`)
      }
    }
    const node = nodes.get(name)
    const instance = w.instances.find((i) => node !== undefined && i.instanceId === instanceOf(node))
    if (instance?.groupIds.includes(group.groupId) !== true) {
      wrong.push(`the group of ${name} is not on its interface`)
    }
  }
  for (const group of ours) {
    if (!wanted.has(group.tags[tag.node] ?? "")) {
      wrong.push(`group ${group.groupId} of ${group.tags[tag.node]} is leaked`)
    }
  }
  return wrong
}

const ofInterfaces = (w: Worlds): ReadonlyArray<string> => {
  const foreign = new Set(w.groups.filter((g) => g.tags[tag.managed] !== "true").map((g) => g.groupId))
  return w.instances
    .filter((i) => i.state === "running" && !i.groupIds.some((id) => foreign.has(id)))
    .map((i) => `instance ${i.instanceId} lost its own groups`)
}

const ofDeletions = (w: Worlds): ReadonlyArray<string> =>
  [...w.externalIPs, ...w.firewallRules]
    .filter((o) => o.metadata.deletionTimestamp !== undefined)
    .map((o) => `${o.kind} ${nameOf(o)} is being deleted still: ${o.metadata.finalizers?.join(", ")}`)

/** Everything that is not as it should be once things have settled; empty when all is well. */
export const differences = (w: Worlds): ReadonlyArray<string> => [
  ...ofDeletions(w),
  ...ofAddresses(w),
  ...ofNodes(w),
  ...ofRules(w),
  ...ofInterfaces(w)
]
