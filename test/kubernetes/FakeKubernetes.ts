/**
 * A Kubernetes service of which a test defines only the calls it expects.
 * Rule: a call that was not expected is a defect, so that it cannot pass unseen.
 */
import { Effect, Stream } from "effect"
import type { Service } from "../../src/kubernetes/Kubernetes.ts"
import { KubernetesError, type Reason } from "../../src/kubernetes/KubernetesError.ts"

const unexpected = (call: string) => () => Effect.die(`an unexpected ${call}`)

export const fake = (calls: Partial<Service>): Service => ({
  list: unexpected("list"),
  watch: () => Stream.die("an unexpected watch"),
  get: unexpected("get"),
  create: unexpected("create"),
  patch: unexpected("patch"),
  update: unexpected("update"),
  ...calls
})

export const failing = (reason: Reason) => Effect.fail(new KubernetesError({ operation: "test", reason }))
