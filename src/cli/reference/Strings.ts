/**
 * Every other string that is API, with what it means: labels, annotations, taint, finalizers, tags and names.
 * Rule: the strings come from `domain/Names.ts`; what stands here is what they mean.
 */
import * as Names from "../../domain/Names.ts"
import { code, table } from "./Markdown.ts"

const inKubernetes: ReadonlyArray<readonly [where: string, what: string, meaning: string]> = [
  [
    "label of a Node",
    `${Names.autoAssignLabel}: "true"`,
    "Set by you: give this node an address. Taking it away moves nothing until the node goes or is cordoned."
  ],
  [
    "label of an ExternalIP",
    `${Names.autoAssignLabel}: "true"`,
    "The operator made it, and may give it to another node. Without the label its spec is never written."
  ],
  [
    "label of a Node",
    `${Names.addressLabel}: <ip>`,
    "Set by the operator while the address is attached. This key is wholly its own: what others write there is corrected."
  ],
  [
    "label of a Pod",
    `${Names.addressLabel}: <ip>`,
    "Set by you: this pod asks for that address. When a node needs one, the free address that most live pods ask for comes first, and an address is not taken from a cordoned node where such a pod runs."
  ],
  [
    "taint of a Node, any effect",
    Names.startupTaint,
    "Set by you, as a startup taint of the node group: removed once the address is attached. Never added by the operator."
  ],
  [
    "finalizer",
    Names.externalIPFinalizer,
    "The Elastic IP is not released yet, or not taken off where it is to be kept."
  ],
  ["finalizer", Names.firewallRuleFinalizer, "The rule may still be open somewhere."],
  [
    "annotation of a FirewallRule",
    `${Names.group}/node-name`,
    "Written by the Go implementation. Never read, never removed."
  ],
  ["Lease", Names.leaseName, "Held by the process that writes, with `--leader-elect`."],
  [
    "name of an ExternalIP",
    `${Names.autoAssignedPrefix}<12 hexadecimal digits>`,
    "Made for a node; the digits follow from the UID of the node, so that making it twice is making it once."
  ]
]

const tags = {
  managed: ["both", '"true" on everything that the operator looks for.'],
  clusterId: [
    "both",
    "The cluster that owns it: `--cluster-id`, by default the UID of the namespace kube-system."
  ],
  externalIPName: ["address", "Name of the ExternalIP it belongs to."],
  uid: [
    "address",
    "UID of that object. It tells duplicates apart; an object made again under its name takes the address up."
  ],
  nodeName: ["group", "Name of the node it is for."],
  instanceId: ["group", "The instance it was last put on."],
  name: ["both", "For people. Set when it is made, and left alone afterwards."]
} as const satisfies Readonly<Record<keyof typeof Names.Tag, readonly [on: string, meaning: string]>>

export const strings = (): string =>
  table(
    ["where", "what", "meaning"],
    inKubernetes.map(([where, what, meaning]) => [where, code(what), meaning])
  )

export const tagTable = (): string =>
  table(
    ["tag", "on", "meaning"],
    Object.entries(Names.Tag).map(([key, name]) => {
      const [on, meaning] = tags[key as keyof typeof tags]
      return [code(name), on, meaning]
    })
  )
