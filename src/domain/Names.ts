/**
 * Every string that is API: group, labels, taint, finalizers, tags, names.
 * Rule: a string that a user, another program or EC2 can see is written here and nowhere else.
 */
import * as Crypto from "node:crypto"

export const group = "kubestatic.quortex.io"
export const version = "v1alpha1"
export const apiVersion = `${group}/${version}`

/** On a node: give it an address. On an ExternalIP: the operator owns it. */
export const autoAssignLabel = `${group}/externalip-auto-assign`
/** On a node: the address it holds (the operator owns this key wholly). On a pod: demand for that address. */
export const addressLabel = `${group}/externalip`
/** Startup taint, any effect; removed once the address is attached, never added. */
export const startupTaint = `node.${group}/externalip-not-attached`

export const externalIPFinalizer = `externalip.finalizers.${group}`
export const firewallRuleFinalizer = `firewallrule.finalizers.${group}`

export const leaseName = `3a0d74f7.${group}`

/** Taints of autoscalers that say a node is about to go; such a node counts as cordoned. */
export const goingTaints: ReadonlySet<string> = new Set([
  "karpenter.sh/disrupted",
  "ToBeDeletedByClusterAutoscaler"
])

export const autoAssignedPrefix = "auto-assigned-"

const hash = (text: string): string => Crypto.hash("sha256", text)

/** The n-th name an ExternalIP made for this node may have: the same node asks for the same names, in order. */
export const autoAssignedName = (nodeUID: string, n: number): string =>
  `${autoAssignedPrefix}${hash(`${nodeUID}/${n}`).slice(0, 12)}`

export const Tag = {
  managed: `${group}/managed`,
  clusterId: `${group}/cluster-id`,
  externalIPName: `${group}/external-ip-name`,
  uid: `${group}/uid`,
  nodeName: `${group}/node-name`,
  instanceId: `${group}/instance-id`,
  name: "Name"
} as const

export type Tags = Readonly<Record<string, string>>

/** EC2 takes so many characters as the value of a tag ("Tag your Amazon EC2 resources", restrictions). */
const longestTagValue = 256

/** For people: what an address is found by are the other tags, and the whole name is in one of them. */
const addressName = (clusterId: string, name: string): string =>
  `kubestatic/${clusterId}/${name}`.slice(0, longestTagValue)

export const addressTags = (o: {
  readonly clusterId: string
  readonly name: string
  readonly uid: string
  readonly extra: Tags
}): Tags => ({
  ...o.extra,
  [Tag.name]: addressName(o.clusterId, o.name),
  [Tag.managed]: "true",
  [Tag.clusterId]: o.clusterId,
  [Tag.externalIPName]: o.name,
  [Tag.uid]: o.uid
})

export const groupTags = (o: {
  readonly clusterId: string
  readonly nodeName: string
  readonly instanceId: string
  readonly extra: Tags
}): Tags => ({
  ...o.extra,
  [Tag.name]: securityGroupName(o.clusterId, o.nodeName),
  [Tag.managed]: "true",
  [Tag.clusterId]: o.clusterId,
  [Tag.nodeName]: o.nodeName,
  [Tag.instanceId]: o.instanceId
})

/** EC2 allows up to 255 of these characters in a group name (CreateSecurityGroup, VPC groups). */
const allowedGroupName = /^[a-zA-Z0-9 ._\-:/()#,@[\]+=&;{}!$*]{1,255}$/

/** Deterministic, so that a lost CreateSecurityGroup reply is found again as InvalidGroup.Duplicate. */
export const securityGroupName = (clusterId: string, nodeName: string): string => {
  const plain = `kubestatic/${clusterId}/${nodeName}`
  return allowedGroupName.test(plain) ? plain : `kubestatic/${hash(plain).slice(0, 40)}`
}
