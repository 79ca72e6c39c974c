/**
 * A request to the Kubernetes API as data, for a server whose versions and UIDs are not known yet.
 * Rule: what a request says of a version or a UID is said by its place in what was answered before, so that a
 * sequence means the same to every server, and still means something when a part of it is left out.
 */
import type { Raw } from "../../../src/domain/Object.ts"
import {
  events,
  externalIPs,
  firewallRules,
  leases,
  nodes,
  pods,
  type Resource
} from "../../../src/kubernetes/Kubernetes.ts"

export const resources = {
  Node: nodes,
  Pod: pods,
  ExternalIP: externalIPs,
  FirewallRule: firewallRules,
  Lease: leases,
  Event: events
} as const satisfies Readonly<Record<string, Resource>>

export type Kind = keyof typeof resources

/** Of what sequences ask about; events about cluster-scoped objects must be in this one. */
export const namespaceOf = (kind: Kind): string | undefined =>
  resources[kind].isNamespaced ? "default" : undefined

export type Fields = Readonly<Record<string, unknown>>

export interface Selection {
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

/** Of the object: as last seen, as first seen, none at all, or null. */
export type Version = "newest" | "stale" | "absent" | "null"
/** As last seen, that of no object, or none at all. */
export type Uid = "right" | "wrong" | "absent"

interface Of {
  readonly kind: Kind
  readonly name: string
}

export type Request =
  | ({ readonly verb: "create"; readonly object: Raw } & Of)
  | ({ readonly verb: "get" } & Of)
  | { readonly verb: "list"; readonly kind: Kind; readonly selection: Selection; readonly limit?: number }
  /** The next page of the last list of that kind. */
  | { readonly verb: "more"; readonly kind: Kind }
  /** PUT of the object as last seen, with a merge patch applied to it. */
  | ({
      readonly verb: "update"
      readonly change: Fields
      readonly version: Version
      readonly uid: Uid
    } & Of)
  | ({
      readonly verb: "patch"
      readonly subresource?: "status"
      readonly patch: Fields
      readonly version: Version
      readonly uid: Uid
    } & Of)
  | ({ readonly verb: "delete" } & Of)
  /** From now on; its events are the last of the answers. */
  | { readonly verb: "watch"; readonly kind: Kind; readonly selection: Selection }

const selected = ({ fieldSelector, labelSelector }: Selection): string =>
  [labelSelector, fieldSelector].flatMap((s) => (s === undefined ? [] : [` where ${s}`])).join("")

const preconditions = ({ uid, version }: { readonly version: Version; readonly uid: Uid }): string =>
  `${version === "absent" ? "" : `, version ${version}`}${uid === "absent" ? "" : `, ${uid} uid`}`

/** In words, for a person who reads a sequence. */
export const described = (r: Request): string => {
  switch (r.verb) {
    case "list":
      return `list ${r.kind}${selected(r.selection)}${r.limit === undefined ? "" : `, ${r.limit} a page`}`
    case "watch":
      return `watch ${r.kind}${selected(r.selection)}`
    case "more":
      return `the next page of ${r.kind}`
    case "create":
      return `create ${r.kind}/${r.name} ${JSON.stringify(r.object)}`
    case "update":
      return `update ${r.kind}/${r.name} as last seen, with ${JSON.stringify(r.change)}${preconditions(r)}`
    case "patch": {
      const where = r.subresource === undefined ? "" : `/${r.subresource}`
      return `patch ${r.kind}/${r.name}${where} ${JSON.stringify(r.patch)}${preconditions(r)}`
    }
    default:
      return `${r.verb} ${r.kind}/${r.name}`
  }
}
