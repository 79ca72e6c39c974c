/**
 * The kinds of Kubernetes itself that the operator meets: how the API server reads them and what it refuses.
 * Rule: pure; as far as the operator and its scenarios write them. Validation of what they never write is left out.
 * Source: k8s.io/api/{core,coordination,events}/v1 and the validation of each in kubernetes pkg/apis.
 */
import { Result } from "effect"
import { isSame } from "../domain/Json.ts"
import type { Raw } from "../domain/Object.ts"
import * as Go from "./GoStruct.ts"
import { isQualifiedName } from "./ObjectMeta.ts"

type Fields = Readonly<Record<string, unknown>>

interface BuiltIn {
  /** Without apiVersion, kind and metadata. */
  readonly members: Go.Members
  /** Of a decoded object: what is wrong with it, in one line. */
  readonly problem: (object: Fields, stored: Fields | undefined) => string | undefined
  /** What is added to a new object. */
  readonly admitted?: (object: Raw) => Raw
}

const fieldsOf = (value: unknown): Fields => (value ?? {}) as Fields
const textOf = (value: unknown): string => (typeof value === "string" ? value : "")

interface Taint {
  readonly key?: string
  readonly effect?: string
}
const taintsOf = (node: Fields): ReadonlyArray<Taint> =>
  (fieldsOf(node.spec).taints ?? []) as ReadonlyArray<Taint>

const effects = new Set(["NoSchedule", "PreferNoSchedule", "NoExecute"])

const taintProblem = (taints: ReadonlyArray<Taint>): string | undefined => {
  const seen = new Set<string>()
  for (const [i, { effect = "", key = "" }] of taints.entries()) {
    if (!isQualifiedName(key)) return `spec.taints[${i}].key: Invalid value: ${JSON.stringify(key)}`
    if (!effects.has(effect)) return `spec.taints[${i}].effect: Unsupported value: ${JSON.stringify(effect)}`
    if (seen.has(`${key}:${effect}`)) return `spec.taints[${i}]: Duplicate value: ${key}:${effect}`
    seen.add(`${key}:${effect}`)
  }
  return undefined
}

const node: BuiltIn = {
  members: {
    spec: Go.always({
      podCIDR: Go.text,
      podCIDRs: Go.list(Go.text),
      providerID: Go.text,
      unschedulable: Go.flag,
      taints: Go.list(Go.struct({ key: Go.text, value: Go.text, effect: Go.text, timeAdded: Go.time }))
    }),
    status: Go.always({
      addresses: Go.list(Go.anything),
      conditions: Go.list(Go.anything),
      capacity: Go.anything,
      allocatable: Go.anything,
      daemonEndpoints: Go.anything,
      nodeInfo: Go.anything,
      images: Go.list(Go.anything)
    })
  },
  problem: (object, stored) => {
    const before = textOf(fieldsOf(stored?.spec).providerID)
    return before !== "" && textOf(fieldsOf(object.spec).providerID) !== before
      ? 'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid'
      : taintProblem(taintsOf(object))
  }
}

const pod: BuiltIn = {
  members: { spec: Go.anything, status: Go.anything },
  problem: (object, stored) =>
    stored !== undefined && !isSame(object.spec, stored.spec)
      ? "spec: Forbidden: pod updates may not change fields other than a few"
      : undefined,
  admitted: (object) => ({ ...object, status: object.status ?? { phase: "Pending" } })
}

const lease: BuiltIn = {
  members: {
    spec: Go.always({
      holderIdentity: Go.optionalText,
      leaseDurationSeconds: Go.optionalInteger,
      acquireTime: Go.microTime,
      renewTime: Go.microTime,
      leaseTransitions: Go.optionalInteger,
      strategy: Go.optionalText,
      preferredHolder: Go.optionalText
    })
  },
  problem: ({ spec }) => {
    const { leaseDurationSeconds: seconds, leaseTransitions: transitions } = fieldsOf(spec)
    if (typeof seconds === "number" && seconds <= 0)
      return "spec.leaseDurationSeconds: must be greater than 0"
    return typeof transitions === "number" && transitions < 0
      ? "spec.leaseTransitions: must be greater than or equal to 0"
      : undefined
  }
}

const longestInstance = 128
const longestReason = 128
const longestNote = 1024

/** Its series is all that may change of an event of the new form. */
const fixedMembers = [
  "eventTime",
  "reportingController",
  "reportingInstance",
  "action",
  "reason",
  "regarding",
  "related",
  "note",
  "type"
]
const isSameEvent = (a: Fields, b: Fields): boolean => fixedMembers.every((name) => isSame(a[name], b[name]))

const event: BuiltIn = {
  members: {
    eventTime: Go.microTime,
    series: Go.struct({ count: Go.integer, lastObservedTime: Go.microTime }),
    reportingController: Go.text,
    reportingInstance: Go.text,
    action: Go.text,
    reason: Go.text,
    regarding: Go.always({
      kind: Go.text,
      namespace: Go.text,
      name: Go.text,
      uid: Go.text,
      apiVersion: Go.text,
      resourceVersion: Go.text,
      fieldPath: Go.text
    }),
    related: Go.anything,
    note: Go.text,
    type: Go.text
  },
  problem: (object, stored) => {
    const { count, lastObservedTime } = fieldsOf(object.series)
    const [action, controller, instance, note, reason] = [
      object.action,
      object.reportingController,
      object.reportingInstance,
      object.note,
      object.reason
    ].map(textOf) as [string, string, string, string, string]
    if (object.eventTime === undefined) return "eventTime: Required value"
    if (object.series !== undefined) {
      if (typeof count !== "number" || count < 2) return "series.count: should be at least 2"
      if (lastObservedTime === undefined) return "series.lastObservedTime: Required value"
    }
    if (!isQualifiedName(controller)) return "reportingController: Invalid value"
    if (instance === "" || instance.length > longestInstance)
      return "reportingInstance: can have 1 to 128 characters"
    if (action === "" || action.length > longestReason) return "action: can have 1 to 128 characters"
    if (reason === "" || reason.length > longestReason) return "reason: can have 1 to 128 characters"
    if (Buffer.byteLength(note) > longestNote) return "note: can have at most 1024 characters"
    if (!["Normal", "Warning"].includes(textOf(object.type))) return "type: has invalid value"
    return stored === undefined || isSameEvent(object, stored) ? undefined : "event: field is immutable"
  }
}

const builtIns: ReadonlyMap<string, BuiltIn> = new Map([
  ["Node", node],
  ["Pod", pod],
  ["Lease", lease],
  ["Event", event]
])

/** The object as its type has it, or what of it cannot be decoded. Other kinds pass as they are. */
export const decode = (object: Raw): Result.Result<Raw, string> => {
  const { apiVersion, kind = "", metadata } = object
  const known = builtIns.get(kind)
  if (known === undefined) return Result.succeed(object)
  return Result.map(Go.decode(Go.always(known.members), object, ""), (decoded) => ({
    ...(apiVersion === undefined ? {} : { apiVersion }),
    kind,
    ...(decoded as Fields),
    metadata
  }))
}

/** A decoded object as it would be stored, or why it is refused. */
export const admit = (object: Raw, stored: Raw | undefined): Result.Result<Raw, string> => {
  const known = builtIns.get(object.kind ?? "")
  const problem = known?.problem(object, stored)
  if (problem !== undefined) return Result.fail(problem)
  return Result.succeed(stored === undefined ? (known?.admitted?.(object) ?? object) : object)
}
