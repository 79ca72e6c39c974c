/**
 * The objects of a pretended API server: versions, generations, finalizers, subresources, history.
 * Rule: every change is one event in one order, and what the real server would refuse is refused here with the
 * same reason. Sources: Kubernetes API conventions and API concepts; apiserver's registry/generic code.
 */
import { hash } from "node:crypto"
import { Result } from "effect"
import { isSame } from "../domain/Json.ts"
import { timestamp } from "../domain/Metadata.ts"
import type { Raw } from "../domain/Object.ts"
import type { ObjectRef, Resource } from "../kubernetes/Kubernetes.ts"
import {
  AlreadyExists,
  Conflict,
  Expired,
  Invalid,
  NotFound,
  type Reason
} from "../kubernetes/KubernetesError.ts"
import * as BuiltInKinds from "./BuiltInKinds.ts"
import * as MergePatch from "./MergePatch.ts"
import * as ObjectMeta from "./ObjectMeta.ts"
import * as ObjectWrite from "./ObjectWrite.ts"
import * as Strategy from "./Strategy.ts"

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
const invalid = (message: string) => Result.fail(new Invalid({ message }))

/** Events of the past that a watch can still begin from. */
const historyLength = 20_000

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)
const list = (value: unknown): ReadonlyArray<string> => (Array.isArray(value) ? value.map(String) : [])

export const nameOf = (object: Raw): string => text(object.metadata.name) ?? ""
export const namespaceOf = (object: Raw): string => text(object.metadata.namespace) ?? ""
const keyOf = (namespace: string | undefined, name: string): string => `${namespace ?? ""}/${name}`
const resourceKey = (r: Resource): string => `${r.group}/${r.plural}`

const sorted = (objects: ReadonlyMap<string, Raw>): ReadonlyArray<Raw> =>
  [...objects.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object)

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
    const strategy = Strategy.of(resource)
    const decoded = ObjectWrite.read(resource, object, namespace)
    if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
    const { apiVersion, kind, metadata, status, ...rest } = decoded.success
    // The status of a custom resource is written through its subresource only.
    const bare = status === undefined || strategy.isCustom ? rest : { ...rest, status }
    const admitted = this.admitted(resource, { apiVersion, kind, metadata, ...bare } as Raw, undefined)
    if (Result.isFailure(admitted)) return Result.fail(admitted.failure)
    const name = nameOf(object)
    if (Result.isSuccess(this.get(resource, refOf(name, namespace)))) {
      return refuse(new AlreadyExists({ message: `${resource.plural} "${name}" already exists` }))
    }
    this.made += 1
    const { deletionGracePeriodSeconds: _, deletionTimestamp: __, resourceVersion: ___, ...given } = metadata
    const made: Raw = {
      ...admitted.success,
      metadata: {
        ...given,
        uid: this.uid(resource, name),
        ...(strategy.hasGeneration ? { generation: 1 } : {}),
        creationTimestamp: timestamp(this.options.now())
      }
    }
    return Result.succeed(this.commit(resource, "ADDED", made, undefined))
  }

  patch(resource: Resource, ref: ObjectRef, patch: unknown, subresource?: "status"): Answer {
    return Result.flatMap(this.get(resource, ref), (stored) =>
      Result.flatMap(
        ObjectWrite.read(resource, MergePatch.apply(stored, patch) as Raw, ref.namespace, ref.name),
        (wanted) => this.replace(resource, stored, wanted, subresource)
      )
    )
  }

  update(resource: Resource, ref: ObjectRef, object: Raw): Answer {
    const decoded = ObjectWrite.read(resource, object, ref.namespace, ref.name)
    if (Result.isFailure(decoded)) return decoded
    const wanted = decoded.success
    const found = this.get(resource, ref)
    if (Result.isFailure(found) && !Strategy.of(resource).mayCreateByUpdate) return found
    const uid = Result.isSuccess(found) ? found.success.metadata.uid : ""
    // A PUT is about the object that it names: another of the same name is left alone.
    if (wanted.metadata.uid !== undefined && wanted.metadata.uid !== uid) {
      const message = `Precondition failed: UID in precondition: ${wanted.metadata.uid}, UID in object meta: ${uid}`
      return refuse(new Conflict({ message }))
    }
    return Result.isSuccess(found)
      ? this.replace(resource, found.success, wanted)
      : this.create(resource, wanted, ref.namespace)
  }

  /** A DELETE request without a grace period: at once without finalizers, else by their leave. */
  remove(resource: Resource, ref: ObjectRef): Answer {
    return Result.map(this.get(resource, ref), (stored) => {
      const isKept = list(stored.metadata.finalizers).length > 0
      const isMarked = stored.metadata.deletionTimestamp !== undefined
      const marked =
        !isMarked && (isKept || Strategy.of(resource).isDeletedGracefully)
          ? this.commit(resource, "MODIFIED", this.marked(stored), stored)
          : stored
      return isKept ? marked : this.commit(resource, "DELETED", marked, marked)
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

  /** `wanted` as the server has read it. */
  private replace(resource: Resource, stored: Raw, wanted: Raw, subresource?: "status"): Answer {
    const strategy = Strategy.of(resource)
    const given = text(wanted.metadata.resourceVersion)
    if (given === undefined && !strategy.mayUpdateBlindly) {
      return invalid("metadata.resourceVersion: must be specified for an update")
    }
    if (given !== undefined && given !== stored.metadata.resourceVersion) {
      const message = `Operation cannot be fulfilled on ${resource.plural} "${nameOf(stored)}": the object has been modified`
      return refuse(new Conflict({ message }))
    }
    const merged = ObjectWrite.kept(strategy, stored, wanted, subresource)
    const trouble = ObjectWrite.metadataTrouble(stored, merged)
    if (trouble !== undefined) return invalid(trouble)
    const admitted = this.admitted(resource, merged, stored)
    if (Result.isFailure(admitted)) return Result.fail(admitted.failure)
    const next = admitted.success
    const isSpecChanged = !isSame(withoutStatus(next), withoutStatus(stored))
    const after: Raw =
      strategy.hasGeneration && isSpecChanged
        ? { ...next, metadata: { ...next.metadata, generation: Number(stored.metadata.generation ?? 0) + 1 } }
        : next
    // A write that changes nothing makes no new version.
    if (isSame(after, stored)) return Result.succeed(stored)
    const isGone =
      after.metadata.deletionTimestamp !== undefined && list(after.metadata.finalizers).length === 0
    if (!isGone) return Result.succeed(this.commit(resource, "MODIFIED", after, stored))
    this.commit(resource, "DELETED", after, stored)
    // The answer is what was asked for, with the version that it was asked of.
    return Result.succeed(after)
  }

  private marked(stored: Raw): Raw {
    const { generation } = stored.metadata
    return {
      ...stored,
      metadata: {
        ...stored.metadata,
        deletionTimestamp: timestamp(this.options.now()),
        deletionGracePeriodSeconds: 0,
        // A deletion counts as a change of what is wanted.
        ...(generation === undefined ? {} : { generation: Number(generation) + 1 })
      }
    }
  }

  /** Checked by what the server knows of every object, of its own kinds, and of custom resources. */
  private admitted(resource: Resource, object: Raw, stored: Raw | undefined): Answer {
    const problem = ObjectMeta.problem(object.metadata, Strategy.of(resource).isCore)
    if (problem !== undefined) return invalid(problem)
    const admitted = Result.flatMap(BuiltInKinds.admit(object, stored), (read) =>
      this.options.admit(resource.kind, read, stored)
    )
    return Result.mapError(admitted, (message) => new Invalid({ message }))
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
    const hex = hash("sha256", `${this.options.seed}/${resource.plural}/${name}/${this.made}`)
    return [
      hex.slice(0, 8),
      hex.slice(8, 12),
      `4${hex.slice(13, 16)}`,
      `8${hex.slice(17, 20)}`,
      hex.slice(20, 32)
    ].join("-")
  }
}

const refOf = (name: string, namespace: string | undefined): ObjectRef =>
  namespace === undefined ? { name } : { name, namespace }

const withoutStatus = ({ metadata: _metadata, status: _status, ...rest }: Raw): unknown => rest
