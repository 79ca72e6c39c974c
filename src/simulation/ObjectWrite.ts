/**
 * What becomes of an object in a write: how the API server reads it, what it keeps of what is stored, what it refuses.
 * Rule: pure; before admission, whatever the kind.
 * Source: apiserver pkg/endpoints/handlers, pkg/registry/rest/update.go; apimachinery pkg/api/validation/objectmeta.go.
 */
import { Result } from "effect"
import type { Raw } from "../domain/Object.ts"
import { apiVersionOf, type Resource } from "../kubernetes/Kubernetes.ts"
import { Invalid } from "../kubernetes/KubernetesError.ts"
import * as BuiltInKinds from "./BuiltInKinds.ts"
import * as ObjectMeta from "./ObjectMeta.ts"
import * as Strategy from "./Strategy.ts"

const finalizersOf = ({ metadata: { finalizers } }: Raw): ReadonlyArray<string> =>
  Array.isArray(finalizers) ? finalizers.map(String) : []

const invalid = (message: string) => Result.fail(new Invalid({ message }))

/** An object of a request as the server reads it, or why it is none of the kind and place that the request names. */
export const read = (
  resource: Resource,
  object: Raw,
  namespace: string | undefined,
  name?: string
): Result.Result<Raw, Invalid> => {
  const { apiVersion = "", kind = "" } = object
  const wanted = { apiVersion: apiVersionOf(resource), kind: resource.kind }
  const mayBeLeftOut = Strategy.of(resource).isCustom ? [] : [""]
  if (![wanted.kind, ...mayBeLeftOut].includes(kind)) return invalid(`kind: must be ${wanted.kind}`)
  if (![wanted.apiVersion, ...mayBeLeftOut].includes(apiVersion)) {
    return invalid(`apiVersion: must be ${wanted.apiVersion}`)
  }
  const decoded = ObjectMeta.decode(object.metadata)
  if (Result.isFailure(decoded)) return invalid(decoded.failure)
  const { namespace: given, ...metadata } = decoded.success
  if (given !== undefined && resource.isNamespaced && given !== namespace) {
    return invalid("the namespace of the object does not match the namespace on the request")
  }
  if (name !== undefined && metadata.name !== name) {
    return invalid("the name of the object does not match the name on the URL")
  }
  const here = namespace === undefined ? metadata : { ...metadata, namespace }
  return Result.mapError(
    BuiltInKinds.decode({ ...object, ...wanted, metadata: here }),
    (message) => new Invalid({ message })
  )
}

/** What a client cannot change, and what each subresource leaves alone. */
export const kept = (strategy: Strategy.Strategy, stored: Raw, wanted: Raw, subresource?: "status"): Raw => {
  const { status, ...rest } = wanted
  const { status: storedStatus, ...storedRest } = stored
  const isOfStatus = subresource === "status"
  const chosen = isOfStatus || !strategy.hasStatus ? status : storedStatus
  const fixed = {
    resourceVersion: stored.metadata.resourceVersion,
    generation: stored.metadata.generation,
    creationTimestamp: stored.metadata.creationTimestamp,
    uid: wanted.metadata.uid ?? stored.metadata.uid,
    deletionTimestamp: stored.metadata.deletionTimestamp ?? wanted.metadata.deletionTimestamp,
    deletionGracePeriodSeconds: stored.metadata.deletionGracePeriodSeconds
  }
  const metadata =
    isOfStatus && strategy.isCustom
      ? stored.metadata
      : {
          ...Object.fromEntries(
            Object.entries({ ...wanted.metadata, ...fixed }).filter(([, value]) => value !== undefined)
          )
        }
  return {
    ...(isOfStatus ? storedRest : rest),
    ...(chosen === undefined ? {} : { status: chosen }),
    metadata
  }
}

/** ValidateObjectMetaUpdate, and ValidateNoNewFinalizers of objects that are going. */
export const metadataTrouble = (stored: Raw, wanted: Raw): string | undefined => {
  for (const name of ["uid", "deletionTimestamp"]) {
    if (wanted.metadata[name] !== stored.metadata[name]) return `metadata.${name}: field is immutable`
  }
  if (stored.metadata.deletionTimestamp === undefined) return undefined
  const before = new Set(finalizersOf(stored))
  const added = finalizersOf(wanted).filter((f) => !before.has(f))
  return added.length === 0
    ? undefined
    : `metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`
}
