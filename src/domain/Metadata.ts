/**
 * The metadata of a Kubernetes object, projected to what the operator reads.
 * Rule: nothing is kept that no decision uses.
 */
import { Schema } from "effect"
import type { Fields } from "./Fields.ts"
import { once, word } from "./Shared.ts"

/** Kubernetes writes absent lists and maps as null now and then; both mean empty. */
const orEmpty = <A>(value: A | null | undefined, empty: A): A => value ?? empty

export interface Metadata {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  /** Opaque; compared only through `Store`. */
  readonly resourceVersion: string
  readonly generation: number
  /** RFC 3339. */
  readonly creationTimestamp: string
  /** RFC 3339, or undefined when the object is not being deleted. */
  readonly deletionTimestamp: string | undefined
  readonly finalizers: ReadonlyArray<string>
  readonly labels: Readonly<Record<string, string>>
}

/** What `decode` reads, of labels those alone that are named. */
export const fieldsWith = (...labels: ReadonlyArray<string>): Fields => ({
  name: true,
  namespace: true,
  uid: true,
  resourceVersion: true,
  generation: true,
  creationTimestamp: true,
  deletionTimestamp: true,
  finalizers: true,
  labels: Object.fromEntries(labels.map((label) => [label, true]))
})

const Wire = Schema.Struct({
  name: Schema.String,
  namespace: Schema.optionalKey(Schema.NullOr(Schema.String)),
  uid: Schema.optionalKey(Schema.String),
  resourceVersion: Schema.optionalKey(Schema.String),
  generation: Schema.optionalKey(Schema.NullOr(Schema.Number)),
  creationTimestamp: Schema.optionalKey(Schema.NullOr(Schema.String)),
  deletionTimestamp: Schema.optionalKey(Schema.NullOr(Schema.String)),
  finalizers: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))),
  labels: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.String)))
})

const decodeWire = Schema.decodeUnknownSync(Wire)

/** Throws on an object that is not one of the Kubernetes API (no name): a defect, not bad input. */
export const decode = (raw: unknown): Metadata => {
  const m = decodeWire(raw)
  return {
    name: m.name,
    namespace: word(orEmpty(m.namespace, "")),
    uid: m.uid ?? "",
    resourceVersion: m.resourceVersion ?? "",
    generation: orEmpty(m.generation, 0),
    creationTimestamp: orEmpty(m.creationTimestamp, ""),
    deletionTimestamp: m.deletionTimestamp ?? undefined,
    finalizers: orEmpty(m.finalizers, []),
    labels: orEmpty(m.labels, {})
  }
}

/** The same in less memory, for objects of which many carry the same finalizers and labels. */
export const compact = (m: Metadata): Metadata => ({
  ...m,
  finalizers: once(m.finalizers),
  labels: once(m.labels)
})

export const isDeleting = (m: Metadata): boolean => m.deletionTimestamp !== undefined

/** Older first, then by name: the order in which objects win a contest. */
export const byAge = (a: Metadata, b: Metadata): number =>
  a.creationTimestamp < b.creationTimestamp
    ? -1
    : a.creationTimestamp > b.creationTimestamp
      ? 1
      : a.name < b.name
        ? -1
        : a.name > b.name
          ? 1
          : 0

/** Epoch milliseconds -> RFC 3339 with seconds, as Kubernetes writes metav1.Time. */
export const timestamp = (millis: number): string =>
  `${new Date(millis).toISOString().slice(0, -".000Z".length)}Z`
