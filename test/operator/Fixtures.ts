/**
 * Objects of both worlds for tests of the plans: small, fluent, and valid unless a test says otherwise.
 * Rule: a fixture states only what its test is about.
 */
import * as ExternalIP from "../../src/domain/ExternalIP.ts"
import * as FirewallRule from "../../src/domain/FirewallRule.ts"
import {
  addressTags,
  autoAssignLabel,
  externalIPFinalizer,
  firewallRuleFinalizer,
  groupTags,
  type Tags
} from "../../src/domain/Names.ts"
import * as Node from "../../src/domain/Node.ts"
import type { Permission } from "../../src/domain/Permission.ts"
import type { Instance, NetworkInterface } from "../../src/ec2/Ec2.ts"
import type { AddressRecord, GroupRecord, InstanceSighting } from "../../src/ec2/Inventory.ts"

export const clusterId = "test-cluster"
export const t0 = Date.parse("2026-01-01T00:00:00Z")

interface ObjectOptions {
  readonly labels?: Readonly<Record<string, string>>
  readonly finalizers?: ReadonlyArray<string>
  readonly deleting?: boolean
  readonly created?: string
  readonly generation?: number
  readonly spec?: Readonly<Record<string, unknown>>
  readonly status?: Readonly<Record<string, unknown>>
}

const metadata = (name: string, o: ObjectOptions) => ({
  name,
  uid: `uid-${name}`,
  resourceVersion: "7",
  generation: o.generation ?? 1,
  creationTimestamp: o.created ?? "2026-01-01T00:00:00Z",
  labels: o.labels ?? {},
  finalizers: o.finalizers ?? [],
  ...(o.deleting === true ? { deletionTimestamp: "2026-01-01T01:00:00Z" } : {})
})

export const externalIP = (name: string, o: ObjectOptions = {}): ExternalIP.ExternalIP =>
  ExternalIP.decode({
    metadata: metadata(name, { finalizers: [externalIPFinalizer], ...o }),
    spec: o.spec ?? {},
    status: o.status ?? {}
  })

/** One that the operator made. */
export const autoAssigned = (name: string, o: ObjectOptions = {}): ExternalIP.ExternalIP =>
  externalIP(name, { ...o, labels: { [autoAssignLabel]: "true" } })

export const firewallRule = (
  name: string,
  spec: Readonly<Record<string, unknown>> = {},
  o: ObjectOptions = {}
): FirewallRule.FirewallRule =>
  FirewallRule.decode({
    metadata: metadata(name, { finalizers: [firewallRuleFinalizer], ...o }),
    spec: {
      nodeName: "node-1",
      description: "test",
      direction: "Ingress",
      protocol: "tcp",
      fromPort: 80,
      ipRanges: [{ cidr: "10.0.0.0/8" }],
      ...spec
    },
    status: o.status ?? {}
  })

export const instanceIdOf = (nodeName: string): string =>
  `i-${Buffer.from(nodeName).toString("hex").padEnd(17, "0").slice(0, 17)}`

export const node = (
  name: string,
  o: {
    readonly auto?: boolean
    readonly cordoned?: boolean
    readonly deleting?: boolean
    readonly providerID?: string | null
    readonly taints?: ReadonlyArray<Node.Taint>
    readonly address?: string
  } = {}
): Node.Node =>
  Node.decode({
    metadata: {
      ...metadata(name, o.deleting === true ? { deleting: true } : {}),
      labels: {
        ...(o.auto === false ? {} : { [autoAssignLabel]: "true" }),
        ...(o.address === undefined ? {} : { "kubestatic.quortex.io/externalip": o.address })
      }
    },
    spec: {
      unschedulable: o.cordoned ?? false,
      taints: o.taints ?? [],
      ...(o.providerID === null
        ? {}
        : { providerID: o.providerID ?? `aws:///eu-west-1a/${instanceIdOf(name)}` })
    }
  })

export const networkInterface = (nodeName: string, o: Partial<NetworkInterface> = {}): NetworkInterface => ({
  networkInterfaceId: `eni-${nodeName}`,
  vpcId: "vpc-1",
  instanceId: instanceIdOf(nodeName),
  deviceIndex: 0,
  groupIds: ["sg-foreign"],
  publicIp: { address: "203.0.113.9", owner: "amazon" },
  ...o
})

export const instance = (nodeName: string, o: Partial<Instance> = {}): Instance => ({
  instanceId: instanceIdOf(nodeName),
  state: "running",
  vpcId: "vpc-1",
  interfaces: [networkInterface(nodeName)],
  ...o
})

export const seen = (i: Instance, readAt: number = t0): InstanceSighting => ({
  _tag: "Seen",
  instance: i,
  readAt,
  isUncertain: false
})

const trust = { readBegan: t0, wroteAt: 0, existedAt: 0, isUncertain: false, doubtedAt: 0 }

export const address = (
  n: number,
  owner: string,
  o: Partial<AddressRecord> & { readonly tagged?: Tags } = {}
): AddressRecord => {
  const { tagged, ...record } = o
  return {
    allocationId: `eipalloc-${n}`,
    publicIp: `198.51.100.${n}`,
    tags: {
      ...addressTags({ clusterId, name: owner, uid: `uid-${owner}`, extra: {} }),
      ...tagged
    },
    association: undefined,
    ...trust,
    ...record
  }
}

export const attachedTo = (nodeName: string): NonNullable<AddressRecord["association"]> => ({
  associationId: `eipassoc-${nodeName}`,
  instanceId: instanceIdOf(nodeName),
  networkInterfaceId: `eni-${nodeName}`
})

export const group = (
  nodeName: string,
  permissions: ReadonlyArray<Permission> = [],
  o: Partial<GroupRecord> & { readonly tagged?: Tags } = {}
): GroupRecord => {
  const { tagged, ...record } = o
  return {
    groupId: `sg-${nodeName}`,
    name: `kubestatic/${clusterId}/${nodeName}`,
    vpcId: "vpc-1",
    tags: {
      ...groupTags({ clusterId, nodeName, instanceId: instanceIdOf(nodeName), extra: {} }),
      ...tagged
    },
    permissions,
    ...trust,
    ...record
  }
}
