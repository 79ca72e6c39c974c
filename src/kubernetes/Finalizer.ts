/**
 * A Kubernetes finalizer as a durable acquire-release: added before the first write elsewhere, removed after cleanup.
 * Rule: it goes only after cleanup has succeeded, and finalizers of other parties are never touched.
 */
import { Effect } from "effect"
import type { Metadata } from "../domain/Metadata.ts"

/**
 * The four cases of (has our finalizer, is being deleted).
 * - Absent: nothing was ever done for it; nothing may be done before the finalizer is there.
 * - Live: apply.
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

export type Outcome<A> =
  | { readonly _tag: "Applied"; readonly value: A }
  /** Cleaned up, and the finalizer removed. */
  | { readonly _tag: "Released" }
  /** Being deleted without our finalizer: nothing was done. */
  | { readonly _tag: "Gone" }

export interface Guarded<O, A, E, R> {
  /** Sends the merge patch and answers with the object as it is then. */
  readonly patch: (object: O, patch: Patch) => Effect.Effect<O, E, R>
  /** Runs only while the finalizer is there. */
  readonly apply: (object: O) => Effect.Effect<A, E, R>
  /** Success means that nothing is left; a failure keeps the finalizer. */
  readonly cleanup: (object: O) => Effect.Effect<void, E, R>
}

export const guard = <O extends { readonly metadata: Metadata }, A, E, R>(
  name: string,
  { patch, apply, cleanup }: Guarded<O, A, E, R>
) =>
  Effect.fn("Finalizer.guard")(function* (object: O): Effect.fn.Return<Outcome<A>, E, R> {
    switch (stateOf(object.metadata, name)) {
      case "Absent": {
        const held = yield* patch(object, withFinalizer(object.metadata, name))
        return { _tag: "Applied", value: yield* apply(held) }
      }
      case "Live":
        return { _tag: "Applied", value: yield* apply(object) }
      case "Dying":
        yield* cleanup(object)
        yield* patch(object, withoutFinalizer(object.metadata, name))
        return { _tag: "Released" }
      case "Gone":
        return { _tag: "Gone" }
    }
  })
