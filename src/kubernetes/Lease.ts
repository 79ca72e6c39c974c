/**
 * The record of leadership, and what may be concluded from it.
 * Rule: pure; times inside a lease are written for people and never compared, because they are other clocks': how
 * old a lease is is measured from the moment this process saw it change.
 * Source: client-go tools/leaderelection, coordination.k8s.io/v1 Lease.
 */
import { Predicate, Schema } from "effect"
import type { Raw } from "../domain/Object.ts"
import { apiVersionOf, leases } from "./Kubernetes.ts"
import * as MicroTime from "./MicroTime.ts"

export const leaseDurationSeconds = 15

const Spec = Schema.Struct({
  holderIdentity: Schema.optionalKey(Schema.NullOr(Schema.String)),
  leaseDurationSeconds: Schema.optionalKey(Schema.NullOr(Schema.Number)),
  acquireTime: Schema.optionalKey(Schema.NullOr(Schema.String)),
  renewTime: Schema.optionalKey(Schema.NullOr(Schema.String)),
  leaseTransitions: Schema.optionalKey(Schema.NullOr(Schema.Number))
})
const decodeSpec = Schema.decodeUnknownOption(Spec)

const specOf = (raw: Raw): typeof Spec.Type => {
  const spec = decodeSpec(raw.spec)
  // A lease nobody could have written by the API counts as one that nobody holds.
  return spec._tag === "Some" ? spec.value : {}
}

/** "" when nobody holds it. */
export const holderOf = (raw: Raw): string => specOf(raw).holderIdentity ?? ""

export const versionOf = (raw: Raw): string =>
  Predicate.isString(raw.metadata.resourceVersion) ? raw.metadata.resourceVersion : ""

/** What was seen last, and when it was seen to differ from what was seen before. Milliseconds, monotonic. */
export interface Observation {
  readonly record: string
  readonly changedAt: number
}

export const observe = (before: Observation | undefined, raw: Raw, now: number): Observation => {
  const record = JSON.stringify(specOf(raw))
  return before?.record === record ? before : { record, changedAt: now }
}

export type Claim = "Ours" | "Free" | "Held"

/** Whether `identity` may write itself into the lease. */
export const judge = (raw: Raw, identity: string, observation: Observation, now: number): Claim => {
  const spec = specOf(raw)
  if (!spec.holderIdentity) return "Free"
  if (spec.holderIdentity === identity) return "Ours"
  const duration = spec.leaseDurationSeconds ?? leaseDurationSeconds
  return now < observation.changedAt + duration * 1_000 ? "Held" : "Free"
}

const withSpec = (raw: Raw, spec: typeof Spec.Type): Raw => ({ ...raw, spec })

export const fresh = (o: {
  readonly name: string
  readonly namespace: string
  readonly identity: string
  /** Epoch milliseconds. */
  readonly now: number
}): Raw =>
  withSpec(
    {
      apiVersion: apiVersionOf(leases),
      kind: leases.kind,
      metadata: { name: o.name, namespace: o.namespace }
    },
    {
      holderIdentity: o.identity,
      leaseDurationSeconds,
      acquireTime: MicroTime.fromMillis(o.now),
      renewTime: MicroTime.fromMillis(o.now),
      leaseTransitions: 0
    }
  )

/** Taken or renewed. Its metadata carries the version it was read at, so a lease that moved on is not overwritten. */
export const claimed = (raw: Raw, identity: string, now: number): Raw => {
  const before = specOf(raw)
  const time = MicroTime.fromMillis(now)
  const isOurs = before.holderIdentity === identity
  return withSpec(raw, {
    holderIdentity: identity,
    leaseDurationSeconds,
    acquireTime: isOurs ? (before.acquireTime ?? time) : time,
    renewTime: time,
    leaseTransitions: (before.leaseTransitions ?? 0) + (isOurs ? 0 : 1)
  })
}

/** Given up: anyone may take it at once. */
export const released = (raw: Raw, now: number): Raw => {
  const time = MicroTime.fromMillis(now)
  return withSpec(raw, {
    holderIdentity: "",
    leaseDurationSeconds: 1,
    acquireTime: time,
    renewTime: time,
    leaseTransitions: specOf(raw).leaseTransitions ?? 0
  })
}
