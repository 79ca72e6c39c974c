/**
 * The cluster as those change it who are not the operator: kubelets, controllers, administrators.
 * Rule: what others wrote in between is kept, and what others deleted counts as deleted.
 */
import { Effect } from "effect"
import type { Raw } from "../domain/Object.ts"
import { nodes, type ObjectRef, pods, type Resource } from "../kubernetes/Kubernetes.ts"
import type { KubernetesError } from "../kubernetes/KubernetesError.ts"
import * as Objects from "./CloudObjects.ts"

/** The API server as those see it who are not the operator. */
export interface Cluster {
  readonly create: (resource: Resource, object: Raw) => Effect.Effect<Raw, KubernetesError>
  /** A JSON merge patch. */
  readonly patch: (
    resource: Resource,
    ref: ObjectRef,
    patch: Readonly<Record<string, unknown>>,
    subresource?: "status"
  ) => Effect.Effect<Raw, KubernetesError>
  /** Goes at once, or with its last finalizer. */
  readonly remove: (resource: Resource, ref: ObjectRef) => Effect.Effect<unknown, KubernetesError>
  readonly get: (resource: Resource, ref: ObjectRef) => Raw | undefined
  readonly all: (resource: Resource) => ReadonlyArray<Raw>
}

type Patch = Readonly<Record<string, unknown>>
type Done = Effect.Effect<void, KubernetesError>

/** The few things the cloud does to Nodes and Pods. On an object that is gone they do nothing. */
export interface Edits {
  /** `patchOf` is given the Node as it is; asked again when somebody else was faster. */
  readonly changeNode: (name: string, patchOf: (node: Raw) => Patch) => Done
  readonly setStatus: (resource: Resource, ref: ObjectRef, status: Patch) => Done
  readonly cordon: (name: string) => Done
  readonly taint: (name: string, taint: Objects.Taint) => Done
  readonly addFinalizer: (name: string) => Done
  readonly removeFinalizer: (name: string) => Done
  readonly removeNode: (name: string) => Done
  readonly removePod: (ref: ObjectRef) => Done
  readonly podsOn: (name: string) => ReadonlyArray<ObjectRef>
}

const ignoringAbsent = <A>(effect: Effect.Effect<A, KubernetesError>): Done =>
  Effect.asVoid(effect).pipe(Effect.catchReason("KubernetesError", "NotFound", () => Effect.void))

const isConflict = (error: KubernetesError): boolean => error.reason._tag === "Conflict"

const refOf = (object: Raw): ObjectRef => ({
  name: String(object.metadata.name),
  namespace: String(object.metadata.namespace)
})

const finalizersOf = (node: Raw): ReadonlyArray<unknown> =>
  Array.isArray(node.metadata.finalizers) ? node.metadata.finalizers : []

export const editsOf = (cluster: Cluster): Edits => {
  /** Lists in a Node are replaced whole, so a patch is of the version that it was made from. */
  const changeNode: Edits["changeNode"] = (name, patchOf) =>
    Effect.suspend(() => {
      const node = cluster.get(nodes, { name })
      if (node === undefined) return Effect.void
      const { metadata, ...rest } = patchOf(node)
      const { resourceVersion } = node.metadata
      const patch = { ...rest, metadata: { ...(metadata ?? {}), resourceVersion } }
      return ignoringAbsent(cluster.patch(nodes, { name }, patch))
    }).pipe(Effect.retry({ while: isConflict }))

  return {
    changeNode,
    setStatus: (resource, ref, status) => ignoringAbsent(cluster.patch(resource, ref, { status }, "status")),
    cordon: (name) => changeNode(name, () => ({ spec: { unschedulable: true } })),
    taint: (name, added) =>
      changeNode(name, (node) => ({ spec: { taints: Objects.withTaint(node, added) } })),
    addFinalizer: (name) =>
      changeNode(name, (node) => ({
        metadata: { finalizers: [...new Set([...finalizersOf(node), Objects.terminationFinalizer])] }
      })),
    removeFinalizer: (name) =>
      changeNode(name, (node) => ({
        metadata: { finalizers: finalizersOf(node).filter((f) => f !== Objects.terminationFinalizer) }
      })),
    removeNode: (name) => ignoringAbsent(cluster.remove(nodes, { name })),
    removePod: (ref) => ignoringAbsent(cluster.remove(pods, ref)),
    podsOn: (name) =>
      cluster
        .all(pods)
        .filter((pod) => Objects.nodeNameOf(pod) === name)
        .map(refOf)
  }
}
