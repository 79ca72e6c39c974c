/**
 * What sequences write: objects of each kind and changes of them, right and wrong, as the operator, kubelets and users
 * write them.
 * Rule: pure; each list holds what one draw chooses among, and a thing that should come often stands in it often.
 */
import type { Raw } from "../../../src/domain/Object.ts"
import { apiVersionOf } from "../../../src/kubernetes/Kubernetes.ts"
import { type Fields, type Kind, namespaceOf, resources, type Selection } from "./KubernetesRequest.ts"

/** What is written of one kind. */
export interface Repertoire {
  /** Without names. The first is the least that is accepted. */
  readonly objects: ReadonlyArray<Fields>
  /** Merge patches. */
  readonly changes: ReadonlyArray<Fields>
  /** Merge patches of the subresource; none where there is none. */
  readonly statuses: ReadonlyArray<Fields>
}

/** Of metadata, for every kind. */
export const metadataChanges: ReadonlyArray<Fields> = [
  { labels: { app: "x" } },
  { labels: { app: "y", tier: "front" } },
  { labels: { app: null } },
  { labels: null },
  { labels: {} },
  { labels: { app: "" } },
  { annotations: { note: "anything at all: é" } },
  { annotations: { note: null, other: "1" } },
  { annotations: null },
  { finalizers: ["example.com/one"] },
  { finalizers: ["example.com/one"] },
  { finalizers: ["example.com/one", "example.com/two"] },
  { finalizers: ["example.com/two"] },
  { finalizers: [] },
  { finalizers: null },
  { ownerReferences: null }
]

/** Refused, or without effect. */
export const metadataMistakes: ReadonlyArray<Fields> = [
  { labels: { app: "no spaces in here" } },
  { labels: { "-": "x" } },
  { labels: { "example.com/": "x" } },
  { labels: { app: "x".repeat(64) } },
  { labels: { app: 7 } },
  { labels: ["app"] },
  { annotations: { "not a key": "x" } },
  { finalizers: ["-"] },
  { finalizers: ["unqualified"] },
  { finalizers: "example.com/one" },
  { name: "other" },
  { namespace: "other" },
  { uid: "00000000-0000-4000-8000-000000000000" },
  { generation: 77 },
  { creationTimestamp: null },
  { creationTimestamp: "2020-01-01T00:00:00Z" },
  { deletionTimestamp: null },
  { selfLink: "x", unknown: "y" }
]

const externalIP: Repertoire = {
  objects: [
    { spec: {} },
    {},
    { spec: { nodeName: "n1" } },
    { spec: { nodeName: "n1", preventEIPDeallocation: true } },
    { spec: { nodeName: null, disableReconciliation: null } },
    { spec: { nodeName: "n1" }, status: { state: "Reserved" } },
    { spec: { unknown: 1 }, unknown: { a: 1 } },
    { spec: { nodeName: 7 } },
    { spec: { disableReconciliation: "yes" } },
    { spec: [] },
    { spec: null }
  ],
  changes: [
    { spec: { nodeName: "n1" } },
    { spec: { nodeName: "n2" } },
    { spec: { nodeName: null } },
    { spec: { nodeName: "" } },
    { spec: { preventEIPDeallocation: true } },
    { spec: { preventEIPDeallocation: false } },
    { spec: { disableReconciliation: null } },
    { spec: null },
    { spec: { unknown: true } },
    { unknown: true },
    { spec: { nodeName: { a: "b" } } },
    { spec: "text" },
    { spec: { nodeName: "n3" }, status: { state: "Associated" } },
    { status: { state: "Reserved" } },
    { status: null },
    {}
  ],
  statuses: [
    { status: { state: "Reserved", addressID: "eipalloc-1", publicIPAddress: "192.0.2.1" } },
    { status: { state: "Pending", addressID: null } },
    { status: { observedGeneration: 1 } },
    { status: { observedGeneration: 2 } },
    {
      status: {
        conditions: [
          {
            type: "Ready",
            status: "True",
            reason: "Ready",
            message: "",
            lastTransitionTime: "2026-01-01T00:00:00Z",
            observedGeneration: 1
          }
        ]
      }
    },
    { status: { conditions: [] } },
    { status: { conditions: null } },
    { status: { conditions: [{ type: "Ready" }] } },
    { status: { state: "Elsewhere" } },
    { status: { observedGeneration: "1" } },
    { status: { unknown: 1 } },
    { status: {} },
    { status: null },
    { spec: { nodeName: "by status" }, status: { state: "Reserved" } },
    { metadata: { labels: { by: "status" } }, status: { state: "Associated" } },
    { metadata: { finalizers: null } },
    {}
  ]
}

const ranges = [{ cidr: "10.0.0.0/8", description: "" }]
const rule = { description: "d", direction: "Ingress", protocol: "tcp", fromPort: 80, ipRanges: ranges }

const firewallRule: Repertoire = {
  objects: [
    { spec: rule },
    { spec: { ...rule, toPort: 90, nodeName: "n1" } },
    { spec: { ...rule, ipRanges: [{ cidr: "10.1.2.3/8" }, { cidr: "192.0.2.0/24", description: "x" }] } },
    { spec: { ...rule, protocol: "-1", toPort: null } },
    { spec: { ...rule, protocol: "bogus" } },
    { spec: { ...rule, ipRanges: [] } },
    { spec: { ...rule, direction: "Sideways" } },
    { spec: { ...rule, fromPort: null } },
    { spec: { ...rule, fromPort: 80.5 } },
    { spec: { ...rule, toPort: 1 } },
    {}
  ],
  changes: [
    { spec: { fromPort: 443 } },
    { spec: { toPort: 8080 } },
    { spec: { toPort: null } },
    { spec: { toPort: 1 } },
    { spec: { ipRanges: [{ cidr: "192.0.2.0/24", description: "x" }] } },
    { spec: { ipRanges: [{ cidr: "192.0.2.0/24", description: null }] } },
    { spec: { ipRanges: [] } },
    { spec: { ipRanges: [{ cidr: "2001:db8::/32" }] } },
    { spec: { ipRanges: null } },
    { spec: { nodeName: "n1", publicIPAddress: null } },
    { spec: { publicIPAddress: "192.0.2.7" } },
    { spec: { publicIPAddress: "nonsense" } },
    { spec: { protocol: "UDP" } },
    { spec: { description: null } },
    { spec: null },
    {}
  ],
  statuses: [
    { status: { state: "Applied", firewallRuleID: "sg-1", lastTransitionTime: "2026-01-01T00:00:00Z" } },
    { status: { state: "Pending", firewallRuleID: null } },
    { status: { lastTransitionTime: "yesterday" } },
    { status: { lastApplied: "x", observedGeneration: 3 } },
    { status: { state: "Reserved" } },
    { status: null },
    {}
  ]
}

const taint = { key: "node.kubestatic.quortex.io/externalip-not-attached", effect: "NoSchedule" }
const notReady = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }

/** As kubelets register: with the taint that admission would add otherwise. */
const registering = { taints: [notReady] }

const node: Repertoire = {
  objects: [
    { spec: registering },
    { spec: { ...registering, unknown: 1 }, unknown: 1 },
    { spec: { providerID: "aws:///eu-west-1a/i-0a", taints: [notReady, taint] } },
    { spec: { providerID: "aws:///eu-west-1a/i-0a", taints: [taint, notReady] } },
    { spec: { ...registering, unschedulable: true } },
    { spec: registering, status: { addresses: [{ type: "Hostname", address: "h" }] } },
    { spec: { taints: [notReady, { key: "a" }] } },
    { spec: { taints: [notReady, taint, taint] } },
    { spec: { ...registering, providerID: 7 } }
  ],
  changes: [
    { spec: { taints: [taint] } },
    { spec: { taints: [notReady] } },
    { spec: { taints: [] } },
    { spec: { taints: null } },
    { spec: { taints: [{ ...taint, value: "" }, notReady] } },
    { spec: { unschedulable: true } },
    { spec: { unschedulable: false } },
    { spec: { unschedulable: null } },
    { spec: { providerID: "aws:///eu-west-1a/i-0a" } },
    { spec: { providerID: "aws:///eu-west-1a/i-0b" } },
    { spec: { providerID: null } },
    { spec: { taints: [{ key: "a", effect: "Sometimes" }] } },
    { spec: { taints: [taint, taint] } },
    { spec: { unknown: 1 } },
    { metadata: { labels: { "kubestatic.quortex.io/externalip": "192.0.2.1" } } },
    { metadata: { labels: { "kubestatic.quortex.io/externalip": null } } },
    {
      metadata: { labels: { "kubestatic.quortex.io/externalip": "192.0.2.1" } },
      spec: { taints: [notReady] }
    },
    { status: { addresses: [] } },
    {}
  ],
  statuses: [
    { status: { addresses: [{ type: "ExternalIP", address: "192.0.2.1" }] } },
    { status: { addresses: null } },
    {
      status: {
        conditions: [
          {
            type: "Ready",
            status: "True",
            reason: "KubeletReady",
            lastHeartbeatTime: "2026-01-01T00:00:00Z",
            lastTransitionTime: "2026-01-01T00:00:00Z"
          }
        ]
      }
    },
    { spec: { unschedulable: true } },
    {}
  ]
}

const pod: Repertoire = {
  objects: [
    { spec: { containers: [{ name: "c", image: "i" }] } },
    { spec: { containers: [{ name: "c", image: "i" }], nodeName: "n1" } },
    {
      metadata: { labels: { "kubestatic.quortex.io/externalip": "192.0.2.1" } },
      spec: { containers: [{ name: "c", image: "i" }], nodeName: "n1" }
    }
  ],
  changes: [
    { metadata: { labels: { "kubestatic.quortex.io/externalip": "192.0.2.1" } } },
    { metadata: { labels: { "kubestatic.quortex.io/externalip": null } } },
    { spec: { nodeName: "n9" } },
    { status: { phase: "Failed" } },
    {}
  ],
  statuses: [
    { status: { phase: "Running" } },
    { status: { phase: "Succeeded" } },
    { status: { phase: "Running", message: "m" } },
    { spec: { nodeName: "n2" } },
    {}
  ]
}

const at = (second: number): string => `2026-01-01T00:00:${String(second).padStart(2, "0")}.000000Z`

const lease: Repertoire = {
  objects: [
    { spec: { holderIdentity: "a", leaseDurationSeconds: 15, acquireTime: at(0), renewTime: at(0) } },
    {
      spec: {
        holderIdentity: "a",
        leaseDurationSeconds: 15,
        acquireTime: at(0),
        renewTime: at(0),
        leaseTransitions: 0
      }
    },
    {},
    { spec: { holderIdentity: null } },
    { spec: { leaseDurationSeconds: 0 } },
    { spec: { leaseTransitions: -1 } },
    { spec: { renewTime: "now" } },
    { spec: { holderIdentity: 7 } }
  ],
  changes: [
    { spec: { renewTime: at(2) } },
    { spec: { renewTime: at(4) } },
    { spec: { holderIdentity: "b", acquireTime: at(6), renewTime: at(6), leaseTransitions: 1 } },
    { spec: { holderIdentity: "", leaseDurationSeconds: 1 } },
    { spec: { holderIdentity: null } },
    { spec: { leaseDurationSeconds: 0 } },
    { spec: { renewTime: "2026-01-01T00:00:00Z" } },
    { spec: { renewTime: "soon" } },
    { spec: null },
    {}
  ],
  statuses: []
}

const event = {
  eventTime: at(0),
  type: "Normal",
  reason: "Associated",
  action: "Associate",
  note: "n",
  regarding: { apiVersion: "kubestatic.quortex.io/v1alpha1", kind: "ExternalIP", name: "a", uid: "u" },
  reportingController: "kubestatic.quortex.io/controller",
  reportingInstance: "host"
}

const eventRepertoire: Repertoire = {
  objects: [
    event,
    { ...event, type: "Warning", note: "" },
    { ...event, series: { count: 2, lastObservedTime: at(1) } },
    { ...event, type: "Error" },
    { ...event, action: "" },
    { ...event, reason: null },
    { ...event, eventTime: null },
    { ...event, note: "x".repeat(1025) },
    { ...event, reportingController: "" },
    { ...event, reportingController: "not/a/name" },
    { ...event, reportingInstance: "" },
    { ...event, reportingInstance: "x".repeat(129) },
    { ...event, regarding: { ...event.regarding, namespace: "elsewhere" } }
  ],
  changes: [
    { series: { count: 2, lastObservedTime: at(2) } },
    { series: { count: 3, lastObservedTime: at(3) } },
    { series: { count: 1, lastObservedTime: at(3) } },
    { series: { count: 4, lastObservedTime: null } },
    { series: null },
    { note: "another" },
    { type: "Warning" },
    { reason: "Other" },
    { eventTime: at(5) },
    {}
  ],
  statuses: []
}

export const repertoire: { readonly [K in Kind]: Repertoire } = {
  Node: node,
  Pod: pod,
  ExternalIP: externalIP,
  FirewallRule: firewallRule,
  Lease: lease,
  Event: eventRepertoire
}

export const minimal = (kind: Kind, name: string): Raw => {
  const namespace = namespaceOf(kind)
  return {
    apiVersion: apiVersionOf(resources[kind]),
    kind,
    ...repertoire[kind].objects[0],
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) }
  }
}

/** Selections, each with the labels of an object that all of them would match. */
export const selections: ReadonlyArray<Selection & { readonly labels: Readonly<Record<string, string>> }> = [
  { labels: {} },
  { labels: {} },
  { labelSelector: "app", labels: { app: "x" } },
  { labelSelector: "app=x", labels: { app: "x" } },
  { labelSelector: "app==y", labels: { app: "y" } },
  { labelSelector: "app!=x", labels: {} },
  { labelSelector: "!app", labels: {} },
  { labelSelector: "app=y,tier", labels: { app: "y", tier: "t" } },
  { labelSelector: "kubestatic.quortex.io/externalip", labels: { "kubestatic.quortex.io/externalip": "1" } },
  { fieldSelector: "metadata.name=a", labels: {} }
]

const markerLabel = "conformance.example.com/marker"

/** An object that a selection matches, made when nothing else of its kind is there. */
export const marker = (kind: Kind, { fieldSelector, labelSelector }: Selection, id: string): Raw => {
  const least = minimal(kind, fieldSelector === undefined ? "marker" : "a")
  const labels = selections.find((s) => s.labelSelector === labelSelector)?.labels
  return { ...least, metadata: { ...least.metadata, labels: { ...labels, [markerLabel]: id } } }
}

const markerOf = (object: Raw): unknown => ((object.metadata.labels ?? {}) as Fields)[markerLabel]
export const isSameMarker = (object: Raw, made: Raw): boolean => markerOf(object) === markerOf(made)
