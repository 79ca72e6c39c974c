/**
 * --cloud-provider=simulated: an EC2 in memory under a real cluster.
 * Rule: instances follow from the UIDs of nodes and addresses from those of objects, and what statuses tell is put
 * back at the start, so that a restart finds the world as it left it.
 */
import { Effect, Layer } from "effect"
import * as ExternalIP from "../domain/ExternalIP.ts"
import { addressTags } from "../domain/Names.ts"
import type { Node, Placement } from "../domain/Node.ts"
import type { Raw } from "../domain/Object.ts"
import type { Ec2 } from "../ec2/Ec2.ts"
import { externalIPs, Kubernetes } from "../kubernetes/Kubernetes.ts"
import { Settings } from "../operator/Settings.ts"
import * as Ec2Simulation from "../simulation/Ec2.ts"
import * as Ec2Conditions from "../simulation/Ec2Conditions.ts"
import { Ec2World } from "../simulation/Ec2World.ts"

/** Every node runs on an instance, whatever its providerID says. */
export const placementOf = (node: Node): Placement => ({
  _tag: "Instance",
  instanceId: Ec2Simulation.simulatedInstanceId(node.uid)
})

const known = (clusterId: string) => (raw: Raw) => {
  const { metadata, status } = ExternalIP.decode(raw)
  if (status.addressID === undefined || status.publicIPAddress === undefined) return []
  return [
    {
      allocationId: status.addressID,
      publicIp: status.publicIPAddress,
      tags: addressTags({ clusterId, name: metadata.name, uid: metadata.uid, extra: {} }),
      ...(status.instanceID === undefined ? {} : { instanceId: status.instanceID }),
      ...(status.networkInterfaceID === undefined ? {} : { networkInterfaceId: status.networkInterfaceID })
    }
  ]
}

const restored = Layer.effectDiscard(
  Effect.gen(function* () {
    const kubernetes = yield* Kubernetes
    const world = yield* Ec2World
    const { clusterId } = yield* Settings
    let next: string | undefined
    do {
      const page = yield* kubernetes.list(externalIPs, {
        limit: 500,
        ...(next === undefined ? {} : { continue: next })
      })
      yield* world.hand.restore(page.items.flatMap(known(clusterId)))
      next = page.continue
    } while (next !== undefined)
  }).pipe(
    // Without the objects nothing can be put back; the operator's own lists will say what is wrong.
    Effect.catch((error) => Effect.logWarning(`Simulated addresses are not put back: ${error.message}`))
  )
)

export const layer: Layer.Layer<Ec2, never, Kubernetes | Settings> = restored.pipe(
  Layer.provideMerge(
    Ec2Simulation.layer({
      derive: true,
      conditions: { latency: Ec2Conditions.usualLatency },
      journalLimit: 1_000
    })
  )
)
