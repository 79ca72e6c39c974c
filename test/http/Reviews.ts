/**
 * A Kubernetes that answers reviews and nothing else, and remembers what it was asked.
 */
import { Effect, Layer, Stream } from "effect"
import type { Raw } from "../../src/domain/Object.ts"
import { Kubernetes, type Resource } from "../../src/kubernetes/Kubernetes.ts"
import { Forbidden, KubernetesError } from "../../src/kubernetes/KubernetesError.ts"

export interface Asked {
  readonly plural: string
  readonly object: Raw
}

const unexpected = Effect.die(new Error("only reviews are asked for"))

/** `answer` gives the status of a review, or "refused" for a failed call. */
export const make = (answer: (resource: Resource, spec: Raw[string]) => unknown) => {
  const asked: Array<Asked> = []
  const layer = Layer.succeed(
    Kubernetes,
    Kubernetes.of({
      list: () => unexpected,
      watch: () => Stream.die(new Error("only reviews are asked for")),
      get: () => unexpected,
      patch: () => unexpected,
      update: () => unexpected,
      create: (resource, object) => {
        asked.push({ plural: resource.plural, object })
        const status = answer(resource, object.spec)
        return status === "refused"
          ? Effect.fail(
              new KubernetesError({
                operation: `create ${resource.plural}`,
                reason: new Forbidden({ message: "not allowed" })
              })
            )
          : Effect.succeed({ ...object, status })
      }
    })
  )
  return { asked, layer }
}

/** Knows `scraper`, who may read metrics, and `visitor`, who may not. */
export const usual = () =>
  make((resource, spec) => {
    const given = spec as { readonly token?: string; readonly user?: string }
    if (resource.plural === "tokenreviews") {
      return given.token === "scraper" || given.token === "visitor"
        ? {
            authenticated: true,
            user: {
              username: given.token,
              uid: `uid-of-${given.token}`,
              groups: ["system:authenticated"],
              extra: { "authentication.kubernetes.io/pod-name": ["prometheus-0"] }
            }
          }
        : { authenticated: false, error: "no such token" }
    }
    return { allowed: given.user === "scraper" }
  })
