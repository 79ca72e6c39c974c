/**
 * What happens to nodes when nobody asks the operator: an autoscaler launches instances, kubelets register Nodes,
 * cloud controllers delete them, spot capacity is taken back.
 * Rule: both worlds are changed as their owners change them, never the operator's own fields, and every delay is drawn
 * per node from the seed, so what happens to one node does not depend on the others.
 */
import { Context, Effect } from "effect"
import type { Raw } from "../domain/Object.ts"
import type { Ec2Error } from "../ec2/Ec2Error.ts"
import { nodes, type ObjectRef, pods, type Resource } from "../kubernetes/Kubernetes.ts"
import type { KubernetesError } from "../kubernetes/KubernetesError.ts"
import * as Delays from "./CloudDelays.ts"
import * as Objects from "./CloudObjects.ts"
import * as Draw from "./Draw.ts"
import { homeZone } from "./Ec2Instances.ts"
import { Ec2World } from "./Ec2World.ts"

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

/** A node that was launched here and has not left. */
export interface CloudNode {
  readonly name: string
  readonly spec: Objects.NodeSpec
  readonly instanceId: string
  readonly zone: string
  /** By device index. */
  readonly interfaceIds: ReadonlyArray<string>
}

/**
 * How a node goes. `NodeFirst`: `kubectl delete node`, then the instance. `InstanceFirst`: the instance dies and the
 * cloud controller cleans up. `Finalizer`: as Karpenter does it, the Node is being deleted while its instance goes.
 */
export type Departure = "NodeFirst" | "InstanceFirst" | "Finalizer"

export type Failure = KubernetesError | Ec2Error
type Done<A = void> = Effect.Effect<A, Failure>

export class Cloud extends Context.Service<
  Cloud,
  {
    readonly nodes: () => ReadonlyArray<CloudNode>
    readonly node: (name: string) => CloudNode | undefined
    /** From the launch of an instance to a Ready Node. */
    readonly join: (spec: Objects.NodeSpec) => Done<CloudNode>
    readonly cordon: (name: string) => Done
    readonly uncordon: (name: string) => Done
    readonly taint: (name: string, taint: Objects.Taint) => Done
    /** Cordons, then evicts one pod after the other. */
    readonly drain: (name: string) => Done
    /** Node, instance and the pods left on it go, in the order of `how`. */
    readonly leave: (name: string, how: Departure) => Done
    /** Leaves, and joins again under its name with a new instance. */
    readonly replace: (name: string, how: Departure) => Done<CloudNode>
    /** The notice comes, the node is drained as far as time allows, the instance dies on time. */
    readonly interruptSpot: (name: string) => Done
    readonly runPod: (spec: Objects.PodSpec) => Done
    /** A pod's phase becomes Succeeded or Failed; it stays. */
    readonly finishPod: (ref: ObjectRef, phase: "Succeeded" | "Failed") => Done
    readonly deletePod: (ref: ObjectRef) => Done
  }
>()("kubestatic/simulation/Cloud") {}

export interface Options {
  readonly cluster: Cluster
  readonly seed: string | number
  /** What differs from `CloudDelays.usual`. */
  readonly delays?: Partial<Delays.Delays>
}

/** Somebody else deleted it: as good as done. */
const ignoringAbsent = <A>(effect: Effect.Effect<A, KubernetesError>): Effect.Effect<void, KubernetesError> =>
  Effect.asVoid(effect).pipe(Effect.catchReason("KubernetesError", "NotFound", () => Effect.void))

const isConflict = (error: KubernetesError): boolean => error.reason._tag === "Conflict"

export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Cloud["Service"], never, Ec2World> {
  const { cluster, seed } = options
  const { hand, networkInterface } = yield* Ec2World
  const delays: Delays.Delays = { ...Delays.usual, ...options.delays }
  const present = new Map<string, CloudNode>()
  const chances = new Map<string, Draw.Draw>()
  const incarnations = new Map<string, number>()
  let named = 0

  const chanceOf = Effect.fnUntraced(function* (name: string) {
    const known = chances.get(name)
    if (known !== undefined) return known
    const incarnation = incarnations.get(name) ?? 0
    const draw = yield* Draw.make(`${seed}/cloud/${name}/${incarnation}`)
    chances.set(name, draw)
    return draw
  })

  const wait = Effect.fnUntraced(function* (name: string, delay: keyof Delays.Delays) {
    const millis = (yield* chanceOf(name)).between(delays[delay])
    if (millis > 0) yield* Effect.sleep(millis)
  })

  /** Lists in a Node are replaced whole, so the patch is of the version it was made from, again on a conflict. */
  const change = (name: string, patchOf: (node: Raw) => Readonly<Record<string, unknown>>) =>
    Effect.suspend(() => {
      const node = cluster.get(nodes, { name })
      if (node === undefined) return Effect.void
      const { resourceVersion } = node.metadata
      const { metadata, ...rest } = patchOf(node)
      const patch = { ...rest, metadata: { ...(metadata ?? {}), resourceVersion } }
      return ignoringAbsent(cluster.patch(nodes, { name }, patch))
    }).pipe(Effect.retry({ while: isConflict }))

  const cordon = (name: string) => change(name, () => ({ spec: { unschedulable: true } }))
  const taint = (name: string, added: Objects.Taint) =>
    change(name, (node) => ({ spec: { taints: Objects.withTaint(node, added) } }))

  const refOf = (object: Raw): ObjectRef => ({
    name: String(object.metadata.name),
    namespace: String(object.metadata.namespace)
  })
  const podsOn = (name: string): ReadonlyArray<ObjectRef> =>
    cluster
      .all(pods)
      .filter((pod) => Objects.nodeNameOf(pod) === name)
      .map(refOf)

  const removePod = (ref: ObjectRef) => ignoringAbsent(cluster.remove(pods, ref))
  const drain = Effect.fnUntraced(function* (name: string) {
    yield* cordon(name)
    for (const ref of podsOn(name)) {
      yield* wait(name, "eviction")
      yield* removePod(ref)
    }
  })

  const join = Effect.fnUntraced(function* (spec: Objects.NodeSpec) {
    const name = spec.name ?? Objects.hostName(++named)
    incarnations.set(name, (incarnations.get(name) ?? 0) + 1)
    chances.delete(name)
    const launched = yield* hand.launch({
      zone: spec.zone ?? homeZone,
      state: "pending",
      ...(spec.vpcId === undefined ? {} : { vpcId: spec.vpcId }),
      ...(spec.interfaces === undefined ? {} : { interfaces: spec.interfaces })
    })
    const { instanceId, zone, interfaceIds, providerID } = launched
    const joined: CloudNode = { name, spec, instanceId, zone, interfaceIds }
    present.set(name, joined)
    yield* wait(name, "boot")
    yield* hand.run(instanceId)
    yield* wait(name, "registration")
    const [primary] = interfaceIds
    const publicIp = primary === undefined ? undefined : networkInterface(primary)?.publicIp?.address
    yield* cluster.create(nodes, Objects.node(name, spec, { zone, providerID, publicIp }))
    if (spec.providerIDFrom === "cloud-controller") {
      yield* wait(name, "initialization")
      yield* change(name, () => ({ spec: { providerID } }))
    }
    yield* wait(name, "readiness")
    yield* ignoringAbsent(cluster.patch(nodes, { name }, { status: Objects.readyStatus }, "status"))
    yield* change(name, (node) => ({
      spec: { taints: Objects.withoutTaints(node, Objects.startingTaints) }
    }))
    return joined
  })

  const endInstance = Effect.fnUntraced(function* (node: CloudNode) {
    yield* hand.shutDown(node.instanceId)
    yield* wait(node.name, "termination")
    yield* hand.terminate(node.instanceId)
  })

  const collectPods = Effect.fnUntraced(function* (name: string) {
    const left = podsOn(name)
    if (left.length === 0) return
    yield* wait(name, "podCollection")
    yield* Effect.forEach(left, removePod, { discard: true })
  })

  const removeNode = (name: string) => ignoringAbsent(cluster.remove(nodes, { name }))

  const finalizersOf = (node: Raw): ReadonlyArray<unknown> =>
    Array.isArray(node.metadata.finalizers) ? node.metadata.finalizers : []

  const leave = Effect.fnUntraced(function* (name: string, how: Departure) {
    const node = present.get(name)
    if (node === undefined) return yield* removeNode(name)
    // A second departure of the same node finds it gone already.
    present.delete(name)
    switch (how) {
      case "NodeFirst":
        yield* removeNode(name)
        yield* endInstance(node)
        break
      case "InstanceFirst":
        yield* endInstance(node)
        yield* wait(name, "nodeDeletion")
        yield* removeNode(name)
        break
      case "Finalizer":
        yield* change(name, (raw) => ({
          metadata: { finalizers: [...new Set([...finalizersOf(raw), Objects.terminationFinalizer])] }
        }))
        yield* taint(name, Objects.disrupted)
        yield* removeNode(name)
        yield* drain(name)
        yield* endInstance(node)
        yield* change(name, (raw) => ({
          metadata: { finalizers: finalizersOf(raw).filter((f) => f !== Objects.terminationFinalizer) }
        }))
        break
    }
    yield* collectPods(name)
  })

  const replace = Effect.fnUntraced(function* (name: string, how: Departure) {
    const spec = present.get(name)?.spec ?? {}
    yield* leave(name, how)
    return yield* join({ ...spec, name })
  })

  const interruptSpot = Effect.fnUntraced(function* (name: string) {
    yield* taint(name, Objects.disrupted)
    const notice = (yield* chanceOf(name)).between(delays.spotNotice)
    yield* Effect.all([Effect.timeoutOption(drain(name), notice), Effect.sleep(notice)], {
      concurrency: "unbounded",
      discard: true
    })
    yield* leave(name, "InstanceFirst")
  })

  return Cloud.of({
    nodes: () => [...present.values()],
    node: (name) => present.get(name),
    join,
    cordon,
    uncordon: (name) => change(name, () => ({ spec: { unschedulable: null } })),
    taint,
    drain,
    leave,
    replace,
    interruptSpot,
    runPod: (spec) => Effect.asVoid(cluster.create(pods, Objects.pod(spec))),
    finishPod: (ref, phase) => ignoringAbsent(cluster.patch(pods, ref, { status: { phase } }, "status")),
    deletePod: removePod
  })
})
