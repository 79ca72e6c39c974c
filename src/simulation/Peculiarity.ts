/**
 * What is peculiar about one request, or one watch, on its way through a pretended world.
 * Rule: set around it by a layer of faults, and read by the world when it takes effect; nobody else knows of it.
 */
import { Context } from "effect"
import type { Resource, WatchEvent } from "../kubernetes/Kubernetes.ts"
import type { Reason } from "../kubernetes/KubernetesError.ts"

export interface Peculiarity {
  /** A read answers as things were before that many of the last writes. */
  readonly behind?: number
  /** Milliseconds for which no describe shows the write; for half of that a new id is unknown to other requests. */
  readonly unseenFor?: number
}

const ordinary: Peculiarity = {}

export const Peculiarity = Context.Reference<Peculiarity>("kubestatic/simulation/Peculiarity", {
  defaultValue: () => ordinary
})

/** Where the events of one watch go. */
export interface Watcher {
  readonly offer: (event: WatchEvent) => void
  /** As when the server closes the connection. */
  readonly end: () => void
  /** An ERROR event, or a connection that breaks. */
  readonly fail: (reason: Reason) => void
}

/** How the events of a watch that is opened now travel. */
export type Carrier = (resource: Resource, watcher: Watcher) => (event: WatchEvent) => void

/** At once, unless a layer of faults has its own way. */
export const Carrier = Context.Reference<Carrier>("kubestatic/simulation/Carrier", {
  defaultValue: () => (_, watcher) => watcher.offer
})
