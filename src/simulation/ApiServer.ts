/**
 * The objects of a pretended API server: versions, generations, finalizers, subresources, history.
 * Rule: every change is one event in one order, and what the real server would refuse is refused here with the
 * same reason. Sources: Kubernetes API conventions and API concepts; apiserver's registry/generic code.
 */
import { createHash } from "node:crypto"
import { Result } from "effect"
import { timestamp } from "../domain/Metadata.ts"
import type { Raw } from "../domain/Object.ts"
import { apiVersionOf, type ObjectRef, type Resource } from "../kubernetes/Kubernetes.ts"
import {
  AlreadyExists,
  Conflict,
  Expired,
  Invalid,
  NotFound,
  type Reason
} from "../kubernetes/KubernetesError.ts"
import * as MergePatch from "./MergePatch.ts"

/** What the CRD's schema says of an object: the object with defaults and without unknown fields, or why not. */
export type Admit = (kind: string, object: Raw, stored: Raw | undefined) => Result.Result<Raw, string>

export interface Event {
  readonly version: number
  readonly resource: Resource
  readonly type: "ADDED" | "MODIFIED" | "DELETED"
  readonly object: Raw
  /** Before the change: a selector may have matched then and not now. */
  readonly previous: Raw | undefined
}

type Answer = Result.Result<Raw, Reason>

const refuse = (reason: Reason): Answer => Result.fail(reason)

/** Events of the past that a watch can still begin from. */
const historyLength = 20_000

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)
const list = (value: unknown): ReadonlyArray<string> => (Array.isArray(value) ? value.map(String) : [])

export const nameOf = (object: Raw): string => text(object.metadata.name) ?? ""
export const namespaceOf = (object: Raw): string => text(object.metadata.namespace) ?? ""
const keyOf = (namespace: string | undefined, name: string): string => `${namespace ?? ""}/${name}`
const resourceKey = (r: Resource): string => `${r.group}/${r.plural}`
const hasStatusSubresource = (r: Resource): boolean =>
  r.kind === "ExternalIP" || r.kind === "FirewallRule" || r.kind === "Node" || r.kind === "Pod"

const sorted = (objects: ReadonlyMap<string, Raw>): ReadonlyArray<Raw> =>
  [...objects.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object)

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, v: unknown) =>
    typeof v === "object" && v !== null && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : v
  )

export interface Options {
  readonly admit: Admit
  /** Part of every UID, so that two worlds differ and one seed does not. */
  readonly seed: string
  readonly now: () => number
}

export class ApiServer {
  private readonly objects = new Map<string, Map<string, Raw>>()
  private readonly listeners = new Set<(event: Event) => void>()
  private history: Array<Event> = []
  private version = 1
  private made = 0
  /** Versions up to this one can no longer be watched from. */
  private compactedTo = 0

  private readonly options: Options

  constructor(options: Options) {
    this.options = options
  }

  get currentVersion(): number {
    return this.version
  }

  all(resource: Resource): ReadonlyArray<Raw> {
    return sorted(this.objects.get(resourceKey(resource)) ?? new Map())
  }

  /** All objects, and the version, before that many of the resource's last changes; as many as are remembered. */
  before(
    resource: Resource,
    changes: number
  ): { readonly all: ReadonlyArray<Raw>; readonly version: number } {
    const objects = new Map(this.objects.get(resourceKey(resource)))
    const undone = this.history.filter((e) => e.resource === resource).slice(-changes)
    for (const event of undone.toReversed()) {
      const key = keyOf(namespaceOf(event.object), nameOf(event.object))
      if (event.previous === undefined) objects.delete(key)
      else objects.set(key, event.previous)
    }
    const version = undone[0] === undefined ? this.version : undone[0].version - 1
    return { all: sorted(objects), version }
  }

  get(resource: Resource, ref: ObjectRef): Answer {
    const object = this.objects.get(resourceKey(resource))?.get(keyOf(ref.namespace, ref.name))
    return object === undefined
      ? refuse(new NotFound({ message: `${resource.plural} "${ref.name}" not found` }))
      : Result.succeed(object)
  }

  create(resource: Resource, object: Raw, namespace?: string): Answer {
    const name = nameOf(object)
    if (name === "") return refuse(new Invalid({ message: "metadata.name: Required value" }))
    const found = this.get(resource, namespace === undefined ? { name } : { name, namespace })
    if (Result.isSuccess(found)) {
      return refuse(new AlreadyExists({ message: `${resource.plural} "${name}" already exists` }))
    }
    const admitted = this.options.admit(resource.kind, object, undefined)
    if (Result.isFailure(admitted)) return refuse(new Invalid({ message: admitted.failure }))
    const { status, ...rest } = admitted.success
    this.made += 1
    const made: Raw = {
      ...rest,
      // Status is written through its subresource only; core objects of the tests bring theirs along.
      ...(status === undefined || resource.group === "kubestatic.quortex.io" ? {} : { status }),
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: {
        ...object.metadata,
        ...(namespace === undefined ? {} : { namespace }),
        uid: this.uid(resource, name),
        generation: 1,
        creationTimestamp: timestamp(this.options.now())
      }
    }
    return Result.succeed(this.commit(resource, "ADDED", made, undefined))
  }

  patch(resource: Resource, ref: ObjectRef, patch: unknown, subresource?: "status"): Answer {
    return Result.flatMap(this.get(resource, ref), (stored) => {
      const merged = MergePatch.apply(stored, patch) as Raw
      return this.replace(resource, stored, merged, subresource)
    })
  }

  update(resource: Resource, ref: ObjectRef, object: Raw): Answer {
    if (text(object.metadata.resourceVersion) === undefined) {
      return refuse(new Invalid({ message: "metadata.resourceVersion: must be specified for an update" }))
    }
    return Result.flatMap(this.get(resource, ref), (stored) => this.replace(resource, stored, object))
  }

  /** A DELETE request: at once without finalizers, else by their leave. */
  remove(resource: Resource, ref: ObjectRef): Answer {
    return Result.map(this.get(resource, ref), (stored) => {
      if (list(stored.metadata.finalizers).length === 0)
        return this.commit(resource, "DELETED", stored, stored)
      if (stored.metadata.deletionTimestamp !== undefined) return stored
      const { generation } = stored.metadata
      return this.commit(
        resource,
        "MODIFIED",
        {
          ...stored,
          metadata: {
            ...stored.metadata,
            deletionTimestamp: timestamp(this.options.now()),
            deletionGracePeriodSeconds: 0,
            // The deletion of a custom resource counts as a change of what is wanted.
            generation: Number(generation ?? 0) + 1
          }
        },
        stored
      )
    })
  }

  /** Events after a version, oldest first; `Expired` when they are no longer known. */
  since(version: number): Result.Result<ReadonlyArray<Event>, Reason> {
    if (version < this.compactedTo) {
      return Result.fail(
        new Expired({ message: `too old resource version: ${version} (${this.compactedTo})` })
      )
    }
    return Result.succeed(this.history.filter((e) => e.version > version))
  }

  /** Forgets history: watches from before must list again. */
  compact(): void {
    this.history = []
    this.compactedTo = this.version
  }

  subscribe(listener: (event: Event) => void): () => void {
    this.listeners.add(listener)
    return () => {
      this.listeners.delete(listener)
    }
  }

  private replace(resource: Resource, stored: Raw, wanted: Raw, subresource?: "status"): Answer {
    const given = text(wanted.metadata.resourceVersion)
    if (given !== undefined && given !== stored.metadata.resourceVersion) {
      const message = `Operation cannot be fulfilled on ${resource.plural} "${nameOf(stored)}": the object has been modified`
      return refuse(new Conflict({ message }))
    }
    const merged = this.withFixedFields(resource, stored, wanted, subresource)
    if (stored.metadata.deletionTimestamp !== undefined) {
      const before = new Set(list(stored.metadata.finalizers))
      const added = list(merged.metadata.finalizers).filter((f) => !before.has(f))
      if (added.length > 0) {
        const message = `metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`
        return refuse(new Invalid({ message }))
      }
    }
    const admitted = this.options.admit(resource.kind, merged, stored)
    if (Result.isFailure(admitted)) return refuse(new Invalid({ message: admitted.failure }))
    const next = admitted.success
    const isSpecChanged = canonical(withoutStatus(next)) !== canonical(withoutStatus(stored))
    const generation = Number(stored.metadata.generation ?? 0) + (isSpecChanged ? 1 : 0)
    const after: Raw = { ...next, metadata: { ...next.metadata, generation } }
    // A write that changes nothing makes no new version.
    if (canonical(after) === canonical(stored)) return Result.succeed(stored)
    const isGone =
      after.metadata.deletionTimestamp !== undefined && list(after.metadata.finalizers).length === 0
    return Result.succeed(this.commit(resource, isGone ? "DELETED" : "MODIFIED", after, stored))
  }

  /** What a client cannot change, and what each subresource leaves alone. */
  private withFixedFields(resource: Resource, stored: Raw, wanted: Raw, subresource?: "status"): Raw {
    const {
      creationTimestamp,
      deletionGracePeriodSeconds,
      deletionTimestamp,
      generation,
      name,
      namespace,
      resourceVersion,
      uid
    } = stored.metadata
    const fixed = {
      name,
      uid,
      resourceVersion,
      generation,
      creationTimestamp,
      ...(namespace === undefined ? {} : { namespace }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp, deletionGracePeriodSeconds })
    }
    if (subresource === "status") {
      return {
        ...stored,
        ...(wanted.status === undefined ? {} : { status: wanted.status }),
        metadata: { ...stored.metadata, ...fixed }
      }
    }
    const { status: _, ...rest } = wanted
    const keepsStatus = hasStatusSubresource(resource)
    const status = keepsStatus ? stored.status : wanted.status
    return {
      ...rest,
      ...(status === undefined ? {} : { status }),
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: { ...wanted.metadata, ...fixed }
    }
  }

  private commit(resource: Resource, type: Event["type"], object: Raw, previous: Raw | undefined): Raw {
    this.version += 1
    const stamped: Raw = {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(this.version) }
    }
    const key = keyOf(namespaceOf(object), nameOf(object))
    const ofResource = this.objects.get(resourceKey(resource)) ?? new Map<string, Raw>()
    this.objects.set(resourceKey(resource), ofResource)
    if (type === "DELETED") ofResource.delete(key)
    else ofResource.set(key, stamped)
    const event: Event = { version: this.version, resource, type, object: stamped, previous }
    this.history.push(event)
    if (this.history.length > historyLength) {
      const dropped = this.history.splice(0, this.history.length - historyLength / 2)
      this.compactedTo = dropped.at(-1)?.version ?? this.compactedTo
    }
    for (const listener of this.listeners) listener(event)
    return stamped
  }

  private uid(resource: Resource, name: string): string {
    const hex = createHash("sha256")
      .update(`${this.options.seed}/${resource.plural}/${name}/${this.made}`)
      .digest("hex")
    return [
      hex.slice(0, 8),
      hex.slice(8, 12),
      `4${hex.slice(13, 16)}`,
      `8${hex.slice(17, 20)}`,
      hex.slice(20, 32)
    ].join("-")
  }
}

const withoutStatus = ({ metadata: _metadata, status: _status, ...rest }: Raw): unknown => rest
