/**
 * A Kubernetes finalizer as a durable acquire-release: added before the first write elsewhere, removed after cleanup.
 * Rule: it goes only after cleanup has succeeded, and finalizers of other parties are never touched.
 */
import type { Metadata } from "../domain/Metadata.ts"

/**
 * The four cases of (has our finalizer, is being deleted).
 * - Absent: nothing was ever done for it; nothing may be done before the finalizer is there.
 * - Live: go on.
 * - Dying: clean up, then let go.
 * - Gone: it is going and owes us nothing; a finalizer can no longer be added.
 */
export type State = "Absent" | "Live" | "Dying" | "Gone"

export const stateOf = (metadata: Metadata, name: string): State => {
  const has = metadata.finalizers.includes(name)
  return metadata.deletionTimestamp === undefined ? (has ? "Live" : "Absent") : has ? "Dying" : "Gone"
}

/** A merge patch. It replaces the whole list, so it holds for exactly the version it was made from. */
export interface Patch {
  readonly [field: string]: unknown
  readonly metadata: { readonly resourceVersion: string; readonly finalizers: ReadonlyArray<string> }
}

const patchOf = (metadata: Metadata, finalizers: ReadonlyArray<string>): Patch => ({
  metadata: { resourceVersion: metadata.resourceVersion, finalizers }
})

export const withFinalizer = (metadata: Metadata, name: string): Patch =>
  patchOf(metadata, metadata.finalizers.includes(name) ? metadata.finalizers : [...metadata.finalizers, name])

export const withoutFinalizer = (metadata: Metadata, name: string): Patch =>
  patchOf(
    metadata,
    metadata.finalizers.filter((other) => other !== name)
  )

export interface Cases<A> {
  /** The finalizer is not there: nothing may be done elsewhere before `add`. */
  readonly absent: () => A
  readonly live: () => A
  /** What is still to be cleaned up; undefined once nothing is left. */
  readonly cleanup: () => A | undefined
  /** Nothing is left: the finalizer may go. */
  readonly release: () => A
  /** Being deleted without our finalizer: it owes us nothing. */
  readonly gone: () => A
}

/** The durable acquire-release as one decision: pure, so that a plan can be made of it. */
export const guard = <A>(metadata: Metadata, name: string, cases: Cases<A>): A => {
  switch (stateOf(metadata, name)) {
    case "Absent":
      return cases.absent()
    case "Live":
      return cases.live()
    case "Dying":
      return cases.cleanup() ?? cases.release()
    case "Gone":
      return cases.gone()
  }
}
