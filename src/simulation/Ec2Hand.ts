/**
 * What others in the account, and the cloud itself, do to the simulated EC2 behind the operator's back.
 * Rule: the same transitions as a request's, so the same refusals; no bucket, no policy, no latency.
 */
import { Effect, Result } from "effect"
import type { Tags } from "../domain/Names.ts"
import type { RulesRequest } from "../ec2/Ec2.ts"
import type { Ec2Error } from "../ec2/Ec2Error.ts"
import * as Addresses from "./Ec2Addresses.ts"
import * as Groups from "./Ec2Groups.ts"
import * as Instances from "./Ec2Instances.ts"
import { type Answer, done, refuse } from "./Ec2Refusal.ts"
import type { Requests } from "./Ec2Requests.ts"
import { put, type State } from "./Ec2State.ts"
import * as TagRules from "./Ec2Tags.ts"

type Done<A = void> = Effect.Effect<A, Ec2Error>

/** An address that is known to have existed before the world began. */
export interface KnownAddress {
  readonly allocationId: string
  readonly publicIp: string
  readonly tags: Tags
  readonly instanceId?: string
  readonly networkInterfaceId?: string
}

export interface Hand {
  readonly allocate: (request: { readonly tags?: Tags }) => Done<{
    readonly allocationId: string
    readonly publicIp: string
  }>
  /** From wherever it is, displacing what is there. */
  readonly moveAddress: (allocationId: string, networkInterfaceId: string) => Done
  readonly disassociate: (allocationId: string) => Done
  /** Taken off first where it is attached. */
  readonly release: (allocationId: string) => Done
  readonly createGroup: (request: {
    readonly name: string
    readonly vpcId?: string
    readonly tags?: Tags
  }) => Done<{ readonly groupId: string }>
  readonly deleteGroup: (groupId: string) => Done
  readonly authorize: (request: RulesRequest) => Done
  readonly revoke: (request: RulesRequest) => Done
  readonly attachGroup: (networkInterfaceId: string, groupId: string) => Done
  readonly detachGroup: (networkInterfaceId: string, groupId: string) => Done
  readonly setTags: (resourceId: string, tags: Tags) => Done
  readonly removeTags: (resourceId: string, keys: ReadonlyArray<string>) => Done
  readonly launch: (request: Instances.LaunchRequest) => Effect.Effect<Instances.Launched>
  /** A pending instance comes up. */
  readonly run: (instanceId: string) => Done
  readonly stop: (instanceId: string) => Done
  readonly start: (instanceId: string) => Done
  /** Its interfaces and addresses stay until it is terminated. */
  readonly shutDown: (instanceId: string) => Done
  readonly terminate: (instanceId: string) => Done
  /** Puts back what is known from before, instances included. Those that are there already stay as they are. */
  readonly restore: (known: ReadonlyArray<KnownAddress>) => Effect.Effect<void>
}

const changeGroups =
  (networkInterfaceId: string, change: (groupIds: ReadonlyArray<string>) => ReadonlyArray<string>) =>
  (state: State, at: number): Answer<void> =>
    Groups.setOnInterface(state, at, {
      networkInterfaceId,
      groupIds: change(state.interfaces.get(networkInterfaceId)?.groupIds ?? [])
    })

const disassociate = (state: State, at: number, allocationId: string): Answer<void> => {
  const address = state.addresses.get(allocationId)
  if (address === undefined) return refuse("InvalidAllocationID.NotFound", `no address ${allocationId}`)
  const { association } = address
  return association === undefined ? done : Addresses.disassociate(state, at, association)
}

const release = (state: State, at: number, allocationId: string): Answer<void> =>
  Result.flatMap(disassociate(state, at, allocationId), () => Addresses.release(state, at, { allocationId }))

const restore = (state: State, at: number, known: KnownAddress): void => {
  const { allocationId, publicIp, tags, instanceId } = known
  if (state.addresses.get(allocationId) !== undefined) return
  state.publicAddresses.hold(publicIp)
  put(state, state.addresses, allocationId, { allocationId, publicIp, tags, association: undefined }, at)
  if (instanceId === undefined) return
  Instances.ensureDerived(state, at, instanceId)
  const primary = state.instances.get(instanceId)?.interfaceIds[0]
  const isKnown =
    known.networkInterfaceId !== undefined && state.interfaces.get(known.networkInterfaceId) !== undefined
  const networkInterfaceId = isKnown ? known.networkInterfaceId : primary
  if (networkInterfaceId !== undefined) Addresses.associate(state, at, { allocationId, networkInterfaceId })
}

export const make = ({ byHand }: Requests): Hand => {
  const onInstance =
    (action: string, transition: (state: State, at: number, instanceId: string) => Answer<void>) =>
    (instanceId: string) =>
      byHand(action, { instanceId }, (state, at) => transition(state, at, instanceId))

  return {
    allocate: ({ tags = {} }) =>
      byHand("AllocateAddress", { tags }, (state, at) => Addresses.allocate(state, at, { tags })),
    moveAddress: (allocationId, networkInterfaceId) => {
      const request = { allocationId, networkInterfaceId, isMoving: true }
      return Effect.asVoid(
        byHand("AssociateAddress", request, (state, at) => Addresses.associate(state, at, request))
      )
    },
    disassociate: (allocationId) =>
      byHand("DisassociateAddress", { allocationId }, (state, at) => disassociate(state, at, allocationId)),
    release: (allocationId) =>
      byHand("ReleaseAddress", { allocationId }, (state, at) => release(state, at, allocationId)),
    createGroup: ({ name, vpcId = Instances.homeVpc, tags = {} }) =>
      byHand("CreateSecurityGroup", { name, vpcId, tags }, (state, at) => {
        Groups.ensureVpc(state, at, { vpcId, hasIpv6: false })
        return Groups.create(state, at, { name, description: name, vpcId, tags })
      }),
    deleteGroup: (groupId) =>
      byHand("DeleteSecurityGroup", { groupId }, (state, at) => Groups.remove(state, at, { groupId })),
    authorize: (request) =>
      byHand(`AuthorizeSecurityGroup${request.direction}`, request, (state, at) =>
        Groups.authorize(state, at, request)
      ),
    revoke: (request) =>
      byHand(`RevokeSecurityGroup${request.direction}`, request, (state, at) =>
        Groups.revoke(state, at, request)
      ),
    attachGroup: (networkInterfaceId, groupId) =>
      byHand(
        "ModifyNetworkInterfaceAttribute",
        { networkInterfaceId, attach: groupId },
        changeGroups(networkInterfaceId, (groupIds) => [...groupIds, groupId])
      ),
    detachGroup: (networkInterfaceId, groupId) =>
      byHand(
        "ModifyNetworkInterfaceAttribute",
        { networkInterfaceId, detach: groupId },
        changeGroups(networkInterfaceId, (groupIds) => groupIds.filter((id) => id !== groupId))
      ),
    setTags: (resourceId, tags) =>
      byHand("CreateTags", { resourceId, tags }, (state, at) =>
        TagRules.create(state, at, { resourceIds: [resourceId], tags })
      ),
    removeTags: (resourceId, keys) =>
      byHand("DeleteTags", { resourceId, keys }, (state, at) =>
        TagRules.remove(state, at, { resourceIds: [resourceId], keys })
      ),
    launch: (request) =>
      Effect.orDie(
        byHand("RunInstances", request, (state, at) => Result.succeed(Instances.launch(state, at, request)))
      ),
    run: onInstance("InstanceRunning", Instances.run),
    stop: onInstance("StopInstances", Instances.stop),
    start: onInstance("StartInstances", Instances.start),
    shutDown: onInstance("InstanceShuttingDown", Instances.shutDown),
    terminate: onInstance("TerminateInstances", Instances.terminate),
    restore: (known) =>
      Effect.orDie(
        byHand("Restore", { count: known.length }, (state, at) => {
          for (const address of known) restore(state, at, address)
          return done
        })
      )
  }
}
