/**
 * What describes of the simulated EC2 tell: records as the answers show them, selected by the filters.
 * Rule: a describe reads what is visible at its moment, never the true state; it changes nothing, except that where
 * unknown instances are taken to exist, asking for one makes it.
 * Source: DescribeAddresses, DescribeSecurityGroups, DescribeInstances, DescribeNetworkInterfaces.
 */
import { Result } from "effect"
import { merge } from "../domain/Permission.ts"
import type {
  Address,
  AddressFilter,
  GroupFilter,
  Instance,
  InterfaceFilter,
  NetworkInterface,
  SecurityGroup
} from "../ec2/Ec2.ts"
import { accountId } from "./Ec2Ids.ts"
import * as Instances from "./Ec2Instances.ts"
import { type Answer, refuse } from "./Ec2Refusal.ts"
import type { AddressRecord, GroupRecord, InstanceRecord, InterfaceRecord, State } from "./Ec2State.ts"
import { matches } from "./Ec2Tags.ts"
import type { Versioned } from "./Ec2Visibility.ts"

/** The most a request takes as values of one filter. */
const maxFilterValues = 200

export const toAddress = ({ allocationId, publicIp, tags, association }: AddressRecord): Address => ({
  allocationId,
  publicIp,
  tags,
  association
})

/** Merged by protocol and ports, as EC2 answers. */
export const toGroup = (group: GroupRecord): SecurityGroup => ({
  groupId: group.groupId,
  name: group.name,
  vpcId: group.vpcId,
  tags: group.tags,
  ingress: merge(group.permissions.filter((p) => p.direction === "Ingress")),
  egress: merge(group.permissions.filter((p) => p.direction === "Egress"))
})

export const toInterface = (record: InterfaceRecord): NetworkInterface => ({
  networkInterfaceId: record.networkInterfaceId,
  vpcId: record.vpcId,
  instanceId: record.attachment.instanceId,
  deviceIndex: record.attachment.deviceIndex,
  groupIds: record.groupIds,
  publicIp:
    record.publicIp === undefined
      ? undefined
      : {
          address: record.publicIp.address,
          owner: record.publicIp.kind === "elastic" ? accountId : "amazon"
        }
})

export const toInstance = (record: InstanceRecord, interfaces: ReadonlyArray<InterfaceRecord>): Instance => ({
  instanceId: record.instanceId,
  state: record.state,
  vpcId: record.state === "terminated" ? undefined : record.vpcId,
  interfaces: interfaces.map(toInterface)
})

type Values = ReadonlyArray<string> | undefined

/** A filter that was given with no values matches nothing; EC2 cannot even be asked that. */
export const matchesNothing = (
  filter: Readonly<Record<string, Values | Readonly<Record<string, ReadonlyArray<string>>>>>
): boolean =>
  Object.values(filter).some((values) =>
    values === undefined
      ? false
      : Array.isArray(values)
        ? values.length === 0
        : Object.values(values).some((some) => some.length === 0)
  )

const isAnyOf = (value: string, values: Values): boolean => values === undefined || values.includes(value)

/** Straight to the ids where they are given: a read of one must not walk all. */
const candidates = <A>(store: Versioned<A>, ids: Values, at: number): ReadonlyArray<A> =>
  ids === undefined
    ? store.allSeen(at)
    : [...new Set(ids)].flatMap((id) => {
        const found = store.seen(id, at)
        return found === undefined ? [] : [found]
      })

const tooMany = (...filters: ReadonlyArray<Values>): boolean =>
  filters.some((values) => values !== undefined && values.length > maxFilterValues)

const overLimit = refuse(
  "FilterLimitExceeded",
  `The maximum number of filter values specified on a single call is ${maxFilterValues}`
)

export const addresses = (state: State, at: number, filter: AddressFilter): Answer<ReadonlyArray<Address>> =>
  tooMany(filter.allocationIds, ...Object.values(filter.tags ?? {}))
    ? overLimit
    : Result.succeed(
        candidates(state.addresses, filter.allocationIds, at)
          .filter((a) => matches(a.tags, filter.tags))
          .map(toAddress)
      )

export const groups = (
  state: State,
  at: number,
  filter: GroupFilter
): Answer<ReadonlyArray<SecurityGroup>> =>
  tooMany(filter.groupIds, filter.names, filter.vpcIds, ...Object.values(filter.tags ?? {}))
    ? overLimit
    : Result.succeed(
        candidates(state.groups, filter.groupIds, at)
          .filter(
            (g) =>
              matches(g.tags, filter.tags) && isAnyOf(g.name, filter.names) && isAnyOf(g.vpcId, filter.vpcIds)
          )
          .map(toGroup)
      )

/** Unknown ids are left out; the order of the answer is nobody's. */
export const instances = (
  state: State,
  at: number,
  instanceIds: ReadonlyArray<string>
): Answer<ReadonlyArray<Instance>> => {
  if (tooMany(instanceIds)) return overLimit
  Instances.forgetTerminated(state, at)
  const shown = [...new Set(instanceIds)].flatMap((instanceId) => {
    Instances.ensureDerived(state, at, instanceId)
    const record = state.instances.seen(instanceId, at)
    if (record === undefined) return []
    return [toInstance(record, candidates(state.interfaces, record.interfaceIds, at))]
  })
  return Result.succeed(state.draw.shuffle(shown))
}

export const interfaces = (
  state: State,
  at: number,
  filter: InterfaceFilter
): Answer<ReadonlyArray<NetworkInterface>> => {
  if (tooMany(filter.networkInterfaceIds, filter.groupIds, filter.instanceIds)) return overLimit
  for (const instanceId of filter.instanceIds ?? []) Instances.ensureDerived(state, at, instanceId)
  return Result.succeed(
    candidates(state.interfaces, filter.networkInterfaceIds, at)
      .filter(
        (i) =>
          isAnyOf(i.attachment.instanceId, filter.instanceIds) &&
          (filter.groupIds === undefined || i.groupIds.some((id) => isAnyOf(id, filter.groupIds)))
      )
      .map(toInterface)
  )
}
