/**
 * Nodes and pods as kubelets, schedulers and cloud controllers write them.
 * Rule: pure; only what the operator, or a reader of the simulation, looks at.
 * Source: Node and Pod of the Kubernetes API reference; well-known labels, annotations and taints.
 */
import { addressLabel, autoAssignLabel, startupTaint } from "../domain/Names.ts"
import type { Raw } from "../domain/Object.ts"
import type { InterfaceSpec } from "./Ec2Instances.ts"

export interface Taint {
  readonly key: string
  readonly value?: string
  readonly effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute"
}

export interface NodeSpec {
  /** One is made up, as EC2 names hosts, where none is given. */
  readonly name?: string
  readonly zone?: string
  readonly vpcId?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: ReadonlyArray<Taint>
  /** With the label that asks for an address. */
  readonly isAutoAssign?: boolean
  /** With the operator's startup taint, of this effect. */
  readonly startupTaint?: Taint["effect"]
  readonly interfaces?: ReadonlyArray<InterfaceSpec>
  /** The kubelet when absent. */
  readonly providerIDFrom?: "kubelet" | "cloud-controller"
}

const notReady: Taint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }
const uninitialized: Taint = {
  key: "node.cloudprovider.kubernetes.io/uninitialized",
  value: "true",
  effect: "NoSchedule"
}
/** What a kubelet registers with and others take away again. */
export const startingTaints: ReadonlySet<string> = new Set([notReady.key, uninitialized.key])
/** Karpenter's word for "about to go" (karpenter.sh/v1, DisruptedTaintKey). */
export const disrupted: Taint = { key: "karpenter.sh/disrupted", effect: "NoSchedule" }
/** Karpenter's finalizer on Nodes: the Node goes after its instance. */
export const terminationFinalizer = "karpenter.sh/termination"

/** The n-th host of the VPC, by the name EC2 gives it. */
export const hostName = (n: number): string =>
  `ip-10-${(n >> 16) & 255}-${(n >> 8) & 255}-${n & 255}.ec2.internal`

const ready = (isReady: boolean) => ({
  type: "Ready",
  status: isReady ? "True" : "False",
  reason: isReady ? "KubeletReady" : "KubeletNotReady",
  message: isReady ? "kubelet is posting ready status" : "container runtime network not ready"
})

export const node = (
  name: string,
  spec: NodeSpec,
  instance: { readonly zone: string; readonly providerID: string; readonly publicIp: string | undefined }
): Raw => {
  const isByController = spec.providerIDFrom === "cloud-controller"
  const taints: ReadonlyArray<Taint> = [
    notReady,
    ...(isByController ? [uninitialized] : []),
    ...(spec.startupTaint === undefined ? [] : [{ key: startupTaint, effect: spec.startupTaint }]),
    ...(spec.taints ?? [])
  ]
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        "kubernetes.io/hostname": name,
        "topology.kubernetes.io/zone": instance.zone,
        "topology.kubernetes.io/region": instance.zone.slice(0, -1),
        ...(spec.isAutoAssign === true ? { [autoAssignLabel]: "true" } : {}),
        ...spec.labels
      }
    },
    spec: { taints, ...(isByController ? {} : { providerID: instance.providerID }) },
    status: {
      conditions: [ready(false)],
      addresses: [
        { type: "Hostname", address: name },
        ...(instance.publicIp === undefined ? [] : [{ type: "ExternalIP", address: instance.publicIp }])
      ]
    }
  }
}

export const readyStatus = { conditions: [ready(true)] }

/** The taints of a Node, as they are. */
export const taintsOf = (node: Raw): ReadonlyArray<Taint> => {
  const spec = node.spec as { readonly taints?: ReadonlyArray<Taint> | null } | undefined
  return spec?.taints ?? []
}

export const withTaint = (node: Raw, taint: Taint): ReadonlyArray<Taint> => [
  ...taintsOf(node).filter((t) => t.key !== taint.key),
  taint
]

export const withoutTaints = (node: Raw, keys: ReadonlySet<string>): ReadonlyArray<Taint> =>
  taintsOf(node).filter((t) => !keys.has(t.key))

export interface PodSpec {
  readonly name: string
  /** `default` when absent. */
  readonly namespace?: string
  readonly nodeName: string
  /** The address it asks for, by the address label. */
  readonly address?: string
  readonly labels?: Readonly<Record<string, string>>
}

/** Bound and running. */
export const pod = ({ name, namespace = "default", nodeName, address, labels }: PodSpec): Raw => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name,
    namespace,
    labels: { ...labels, ...(address === undefined ? {} : { [addressLabel]: address }) }
  },
  spec: { nodeName },
  status: { phase: "Running" }
})

export const nodeNameOf = (pod: Raw): string | undefined =>
  (pod.spec as { readonly nodeName?: string | null } | undefined)?.nodeName ?? undefined
