/**
 * When two states of an object are the same for every decision.
 * Rule: what no plan reads must not wake anybody: heartbeats and bookkeeping of others are the same.
 */
import type { Metadata } from "../domain/Metadata.ts"
import type { Node } from "../domain/Node.ts"
import type { Pod } from "../domain/Pod.ts"

const json = (value: unknown): string => JSON.stringify(value)

export const node = (a: Node, b: Node): boolean =>
  a.uid === b.uid &&
  a.isDeleting === b.isDeleting &&
  a.isAutoAssign === b.isAutoAssign &&
  a.address === b.address &&
  a.isUnschedulable === b.isUnschedulable &&
  a.providerID === b.providerID &&
  a.taints.length === b.taints.length &&
  json(a.taints) === json(b.taints)

export const pod = (a: Pod, b: Pod): boolean =>
  a.uid === b.uid && a.address === b.address && a.nodeName === b.nodeName && a.isLive === b.isLive

interface WithStatus {
  readonly metadata: Metadata
  readonly spec: unknown
  readonly status: unknown
}

/** A custom resource: everything but the version counts. */
export const object = (a: WithStatus, b: WithStatus): boolean =>
  a.metadata.uid === b.metadata.uid &&
  a.metadata.generation === b.metadata.generation &&
  a.metadata.deletionTimestamp === b.metadata.deletionTimestamp &&
  json(a.metadata.finalizers) === json(b.metadata.finalizers) &&
  json(a.metadata.labels) === json(b.metadata.labels) &&
  json(a.spec) === json(b.spec) &&
  json(a.status) === json(b.status)
