/**
 * The metadata of an object as the API server reads it, and what it refuses in it, whatever the kind.
 * Rule: pure; messages name the field.
 * Source: apimachinery pkg/api/validation/objectmeta.go and pkg/util/validation; for kinds of the core group also
 * kubernetes pkg/apis/core/validation (finalizers).
 */
import { Result } from "effect"
import * as Go from "./GoStruct.ts"

type Metadata = Readonly<Record<string, unknown>>

const shape = Go.always({
  name: Go.text,
  generateName: Go.text,
  namespace: Go.text,
  uid: Go.text,
  resourceVersion: Go.text,
  generation: Go.integer,
  creationTimestamp: Go.time,
  deletionTimestamp: Go.time,
  deletionGracePeriodSeconds: Go.optionalInteger,
  labels: Go.texts,
  annotations: Go.texts,
  ownerReferences: Go.list(Go.anything),
  finalizers: Go.list(Go.text)
})

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const namePart = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/
const longestName = 253
const longestPart = 63

export const isSubdomain = (text: string): boolean => text.length <= longestName && subdomain.test(text)

/** `name` or `prefix/name`: IsQualifiedName. */
export const isQualifiedName = (text: string): boolean => {
  const parts = text.split("/")
  const [prefix, name] = parts.length === 2 ? parts : [undefined, text]
  return (
    (prefix === undefined || isSubdomain(prefix)) &&
    name !== undefined &&
    name.length <= longestPart &&
    namePart.test(name)
  )
}

export const isLabelValue = (text: string): boolean =>
  text === "" || (text.length <= longestPart && namePart.test(text))

export interface ObjectMeta {
  readonly name?: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly finalizers?: ReadonlyArray<string>
}

/** What the server knows of metadata; a value of a wrong type is refused. */
export const decode = (metadata: Metadata): Result.Result<ObjectMeta, string> =>
  Result.map(Go.decode(shape, metadata, "metadata"), (decoded) => decoded as ObjectMeta)

/** Those of Kubernetes itself: "orphan", "foregroundDeletion", and that of namespaces. */
const unqualifiedFinalizers = new Set(["orphan", "foregroundDeletion", "kubernetes"])

/** `isCore`: its finalizers must be qualified. */
export const problem = (
  { annotations = {}, finalizers = [], labels = {}, name = "" }: ObjectMeta,
  isCore: boolean
): string | undefined => {
  if (!isSubdomain(name)) return `metadata.name: Invalid value: ${JSON.stringify(name)}`
  for (const [key, value] of Object.entries(labels)) {
    if (!isQualifiedName(key) || !isLabelValue(value))
      return `metadata.labels: Invalid value: ${key}=${value}`
  }
  for (const key of Object.keys(annotations)) {
    if (!isQualifiedName(key.toLowerCase())) return `metadata.annotations: Invalid value: ${key}`
  }
  for (const finalizer of finalizers) {
    if (!isQualifiedName(finalizer)) return `metadata.finalizers: Invalid value: ${finalizer}`
    if (isCore && !finalizer.includes("/") && !unqualifiedFinalizers.has(finalizer)) {
      return `metadata.finalizers: Invalid value: ${finalizer}: name is neither a standard finalizer name nor is it fully qualified`
    }
  }
  return undefined
}
