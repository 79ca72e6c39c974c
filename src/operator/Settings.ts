/**
 * What the operator was told, resolved: no option is unset here, no default is decided later.
 * Rule: the operator reads its settings from this service and from nowhere else.
 */
import { Context, type Duration } from "effect"
import type { Tags } from "../domain/Names.ts"
import type { Node, Placement } from "../domain/Node.ts"

export type InterfaceSelection = "public" | "primary"

export class Settings extends Context.Service<
  Settings,
  {
    readonly clusterId: string
    /** Ids of other clusters whose resources are taken over. */
    readonly adoptClusterIds: ReadonlyArray<string>
    /** Nodes of other VPCs are refused with OtherVpc. */
    readonly vpcId: string | undefined
    readonly interfaceSelection: InterfaceSelection
    readonly extraTags: Tags
    readonly preventEIPDeallocation: boolean
    readonly nodeMinReconciliationInterval: Duration.Duration
    readonly nodeReconciliationRequeueInterval: Duration.Duration
    readonly driftInterval: Duration.Duration
    /** Node -> EC2 instance; the simulated provider derives it from the node's UID. */
    readonly placementOf: (node: Node) => Placement
  }
>()("kubestatic/operator/Settings") {}
