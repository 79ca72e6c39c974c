/**
 * What happens to nodes when nobody asks the operator: an autoscaler launches instances, kubelets register Nodes,
 * cloud controllers delete them, spot capacity is taken back.
 * Rule: both worlds are changed as their owners change them, never the operator's own fields, and every delay is drawn
 * per node from the seed, so what happens to one node does not depend on the others.
 */
import { Context, Effect } from "effect"
import type { Ec2Error } from "../ec2/Ec2Error.ts"
import { nodes, type ObjectRef, pods } from "../kubernetes/Kubernetes.ts"
import type { KubernetesError } from "../kubernetes/KubernetesError.ts"
import { type Cluster, editsOf } from "./CloudCluster.ts"
import * as Delays from "./CloudDelays.ts"
import * as Objects from "./CloudObjects.ts"
import * as Draw from "./Draw.ts"
import { homeZone } from "./Ec2Instances.ts"
import { Ec2World } from "./Ec2World.ts"

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

/** One cloud, seen twice: as it takes its time, and as a scenario sets it up in no time. */
export interface Clouds {
  readonly cloud: Cloud["Service"]
  readonly instantly: Cloud["Service"]
}

export const makeBoth = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Clouds, never, Ec2World> {
  const { cluster, seed } = options
  const edits = editsOf(cluster)
  const { hand, networkInterface } = yield* Ec2World
  const present = new Map<string, CloudNode>()
  const chances = new Map<string, Draw.Draw>()
  let named = 0

  const chanceOf = Effect.fnUntraced(function* (name: string) {
    const known = chances.get(name)
    if (known !== undefined) return known
    const draw = yield* Draw.make(`${seed}/cloud/${name}`)
    chances.set(name, draw)
    return draw
  })

  const acting = (delays: Delays.Delays): Cloud["Service"] => {
    const wait = Effect.fnUntraced(function* (name: string, delay: keyof Delays.Delays) {
      const millis = (yield* chanceOf(name)).between(delays[delay])
      if (millis > 0) yield* Effect.sleep(millis)
    })

    const drain = Effect.fnUntraced(function* (name: string) {
      yield* edits.cordon(name)
      for (const ref of edits.podsOn(name)) {
        yield* wait(name, "eviction")
        yield* edits.removePod(ref)
      }
    })

    const join = Effect.fnUntraced(function* (spec: Objects.NodeSpec) {
      const name = spec.name ?? Objects.hostName(++named)
      const launched = yield* hand.launch({
        zone: spec.zone ?? homeZone,
        state: "pending",
        ...(spec.vpcId === undefined ? {} : { vpcId: spec.vpcId }),
        ...(spec.interfaces === undefined ? {} : { interfaces: spec.interfaces })
      })
      const { instanceId, zone, interfaceIds, providerID } = launched
      const joined: CloudNode = { name, spec, instanceId, zone, interfaceIds }
      present.set(name, joined)
      // Whoever makes it leave meanwhile has the instance; no Node may appear after that.
      const hasLeft = () => present.get(name) !== joined
      yield* wait(name, "boot")
      if (hasLeft()) return joined
      yield* hand.run(instanceId)
      yield* wait(name, "registration")
      if (hasLeft()) return joined
      const [primary] = interfaceIds
      const publicIp = primary === undefined ? undefined : networkInterface(primary)?.publicIp?.address
      yield* cluster.create(nodes, Objects.node(name, spec, { zone, providerID, publicIp }))
      if (spec.providerIDFrom === "cloud-controller") {
        yield* wait(name, "initialization")
        yield* edits.changeNode(name, () => ({ spec: { providerID } }))
      }
      yield* wait(name, "readiness")
      if (hasLeft()) return joined
      yield* edits.setStatus(nodes, { name }, Objects.readyStatus)
      yield* edits.changeNode(name, (node) => ({
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
      const left = edits.podsOn(name)
      if (left.length === 0) return
      yield* wait(name, "podCollection")
      yield* Effect.forEach(left, edits.removePod, { discard: true })
    })

    const leave = Effect.fnUntraced(function* (name: string, how: Departure) {
      const node = present.get(name)
      if (node === undefined) return yield* edits.removeNode(name)
      // Taken out first: who else makes it leave meanwhile only deletes its Node.
      present.delete(name)
      switch (how) {
        case "NodeFirst":
          yield* edits.removeNode(name)
          yield* endInstance(node)
          break
        case "InstanceFirst":
          yield* endInstance(node)
          yield* wait(name, "nodeDeletion")
          yield* edits.removeNode(name)
          break
        case "Finalizer":
          yield* edits.addFinalizer(name)
          yield* edits.taint(name, Objects.disrupted)
          yield* edits.removeNode(name)
          yield* drain(name)
          yield* endInstance(node)
          yield* edits.removeFinalizer(name)
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
      yield* edits.taint(name, Objects.disrupted)
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
      cordon: edits.cordon,
      uncordon: (name) => edits.changeNode(name, () => ({ spec: { unschedulable: null } })),
      taint: edits.taint,
      drain,
      leave,
      replace,
      interruptSpot,
      runPod: (spec) => Effect.asVoid(cluster.create(pods, Objects.pod(spec))),
      finishPod: (ref, phase) => edits.setStatus(pods, ref, { phase }),
      deletePod: edits.removePod
    })
  }
  return { cloud: acting({ ...Delays.usual, ...options.delays }), instantly: acting(Delays.none) }
})

export const make = (options: Options): Effect.Effect<Cloud["Service"], never, Ec2World> =>
  Effect.map(makeBoth(options), ({ cloud }) => cloud)
