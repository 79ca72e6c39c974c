/**
 * Events of events.k8s.io/v1 as the API server takes them.
 * Rule: pure; what is built here passes the API's validation whatever the note says.
 * Source: kubernetes pkg/apis/core/validation/events.go (note at most 1 KiB, reportingInstance at most 128).
 */
import type { EventReason } from "../domain/EventReason.ts"
import type { Raw } from "../domain/Object.ts"
import { apiVersionOf, events, externalIPs, firewallRules, namespaces, nodes } from "./Kubernetes.ts"
import * as MicroTime from "./MicroTime.ts"

/** Events about cluster-scoped objects must live here. */
export const namespace = "default"

const controller = "kubestatic.quortex.io/controller"
const noteLimit = 1024
const instanceLimit = 128
const nameLimit = 253

const kinds = {
  ExternalIP: apiVersionOf(externalIPs),
  FirewallRule: apiVersionOf(firewallRules),
  Node: apiVersionOf(nodes),
  Namespace: apiVersionOf(namespaces)
} as const

/** The object an event is about; cluster-scoped, all of them. */
export interface Regarding {
  readonly kind: keyof typeof kinds
  readonly name: string
  readonly uid: string
}

export interface Publication {
  readonly regarding: Regarding
  readonly type: "Normal" | "Warning"
  /** Why it happened. */
  readonly reason: EventReason
  /** CamelCase, what the operator did or tried. */
  readonly action: string
  /** For people. */
  readonly note: string
}

/** At most `noteLimit` bytes of UTF-8, never half a character. */
export const cut = (note: string): string => {
  const bytes = Buffer.from(note)
  if (bytes.byteLength <= noteLimit) return note
  const ellipsis = "…"
  const room = noteLimit - Buffer.byteLength(ellipsis)
  // A decoder that waits for more leaves out the character that was cut through.
  return new TextDecoder().decode(bytes.subarray(0, room), { stream: true }) + ellipsis
}

/** The object's name and a suffix, as client-go names events; cut so that it is a name still. */
export const nameOf = (regarding: Regarding, suffix: string): string =>
  `${regarding.name.slice(0, nameLimit - suffix.length - 1).replace(/[.-]+$/, "")}.${suffix}`

export interface Occurrence {
  readonly name: string
  /** Epoch milliseconds. */
  readonly at: number
  /** The host's name. */
  readonly instance: string
}

export const make = (p: Publication, { name, at, instance }: Occurrence): Raw => ({
  apiVersion: apiVersionOf(events),
  kind: events.kind,
  metadata: { name, namespace },
  eventTime: MicroTime.fromMillis(at),
  type: p.type,
  reason: p.reason,
  action: p.action,
  note: cut(p.note),
  regarding: { apiVersion: kinds[p.regarding.kind], ...p.regarding },
  reportingController: controller,
  reportingInstance: instance.slice(0, instanceLimit)
})

/** The merge patch that tells how often it has happened; the series is all of an event that may change. */
export const seriesPatch = (count: number, lastAt: number) => ({
  series: { count, lastObservedTime: MicroTime.fromMillis(lastAt) }
})
