/**
 * The true state of the simulated EC2: what exists, where it is attached, and how lately it was written.
 * Rule: records are values, replaced and never changed; every write goes through `put`, which draws its lag.
 */
import type { Tags } from "../domain/Names.ts"
import type { Permission } from "../domain/Permission.ts"
import type { InstanceState } from "../ec2/Ec2.ts"
import type { Draw } from "./Draw.ts"
import type { Conditions } from "./Ec2Conditions.ts"
import * as Ids from "./Ec2Ids.ts"
import * as Visibility from "./Ec2Visibility.ts"

export interface AddressRecord {
  readonly allocationId: string
  readonly publicIp: string
  readonly tags: Tags
  readonly association: AssociationRecord | undefined
}

export interface AssociationRecord {
  readonly associationId: string
  readonly networkInterfaceId: string
  readonly instanceId: string | undefined
}

export interface GroupRecord {
  readonly groupId: string
  readonly name: string
  readonly description: string
  readonly vpcId: string
  readonly tags: Tags
  /** Both directions, one per source, canonical. */
  readonly permissions: ReadonlyArray<Permission>
}

export type PublicIp =
  | { readonly kind: "auto-assigned"; readonly address: string }
  | { readonly kind: "elastic"; readonly address: string; readonly allocationId: string }

export interface InterfaceRecord {
  readonly networkInterfaceId: string
  readonly vpcId: string
  readonly tags: Tags
  readonly attachment: { readonly instanceId: string; readonly deviceIndex: number }
  readonly groupIds: ReadonlyArray<string>
  readonly publicIp: PublicIp | undefined
}

export interface InstanceRecord {
  readonly instanceId: string
  readonly zone: string
  readonly vpcId: string
  readonly state: InstanceState
  readonly tags: Tags
  /** By device index. Empty once terminated. */
  readonly interfaceIds: ReadonlyArray<string>
  /** Epoch milliseconds. */
  readonly terminatedAt: number | undefined
}

export interface Vpc {
  readonly vpcId: string
  readonly hasIpv6: boolean
}

/** One write: what the record was before it. */
export interface Written {
  readonly store: unknown
  readonly id: string
  readonly before: unknown
  /** Epoch milliseconds. */
  readonly at: number
}

export interface State {
  readonly addresses: Visibility.Versioned<AddressRecord>
  readonly groups: Visibility.Versioned<GroupRecord>
  readonly interfaces: Visibility.Versioned<InterfaceRecord>
  readonly instances: Visibility.Versioned<InstanceRecord>
  readonly vpcs: Map<string, Vpc>
  /** Every association there ever was, and whose address it is or was. */
  readonly associations: Map<string, string>
  readonly released: Set<string>
  readonly ids: Ids.Ids
  readonly publicAddresses: Ids.PublicAddresses
  readonly draw: Draw
  /** The newest last; only as many as a describe may be behind by. */
  readonly written: Array<Written>
  /** Whether unknown instances exist, and ids of addresses and groups follow from their tags and names. */
  readonly isDerived: boolean
  conditions: Conditions
}

export const make = (options: {
  readonly seed: string | number
  readonly draw: Draw
  readonly isDerived: boolean
  readonly conditions: Conditions
}): State => ({
  addresses: Visibility.make(),
  groups: Visibility.make(),
  interfaces: Visibility.make(),
  instances: Visibility.make(),
  vpcs: new Map(),
  associations: new Map(),
  released: new Set(),
  ids: Ids.make(options.seed),
  publicAddresses: Ids.makePublicAddresses(options.seed),
  draw: options.draw,
  written: [],
  isDerived: options.isDerived,
  conditions: options.conditions
})

/** How many of the last writes a describe may not have heard of. */
const rememberedWrites = 64

/** Writes a record, or deletes it with undefined, at `at` (epoch milliseconds). */
export const put = <A>(
  state: State,
  store: Visibility.Versioned<A>,
  id: string,
  record: A | undefined,
  at: number
): void => {
  const { draw, conditions, written } = state
  written.push({ store, id, before: store.get(id), at })
  if (written.length > 2 * rememberedWrites) written.splice(0, rememberedWrites)
  const visible = draw.between(conditions.lag)
  store.put(id, record, at, { visible, usable: draw.between({ min: 0, max: visible }) })
}

/** By device index. */
export const interfacesOf = (state: State, instance: InstanceRecord): ReadonlyArray<InterfaceRecord> =>
  instance.interfaceIds.flatMap((id) => {
    const found = state.interfaces.get(id)
    return found === undefined ? [] : [found]
  })
