/**
 * Elastic IPs of the simulated EC2: allocated, put on interfaces, taken off, released.
 * Rule: an address is on one interface at most and an interface holds one public address at most, in both records.
 * Source: AllocateAddress, AssociateAddress, DisassociateAddress, ReleaseAddress of the EC2 API reference;
 * "Elastic IP addresses" and "Instance IP addressing" of the EC2 user guide.
 */
import { Result } from "effect"
import { Tag, type Tags } from "../domain/Names.ts"
import { derivedId } from "./Ec2Ids.ts"
import { type Answer, done, refuse } from "./Ec2Refusal.ts"
import { type AddressRecord, type InterfaceRecord, put, type State } from "./Ec2State.ts"
import { tagTrouble } from "./Ec2Tags.ts"

const unknownAllocation = (id: string) =>
  refuse("InvalidAllocationID.NotFound", `The allocation ID '${id}' does not exist`)
const unknownInterface = (id: string) =>
  refuse("InvalidNetworkInterfaceID.NotFound", `The networkInterface ID '${id}' does not exist`)

const deriveAddress = (state: State, uid: string) => {
  // A second one for the same object is another address, as in EC2.
  for (let n = 0; ; n++) {
    const allocationId = derivedId("eipalloc", n === 0 ? uid : `${uid}/${n}`)
    if (state.addresses.get(allocationId) === undefined) {
      return { allocationId, publicIp: state.publicAddresses.take(n === 0 ? uid : `${uid}/${n}`) }
    }
  }
}

export const allocate = (
  state: State,
  at: number,
  request: { readonly tags: Tags }
): Answer<{ readonly allocationId: string; readonly publicIp: string }> => {
  if (state.addresses.size() >= state.conditions.quotas.addresses) {
    return refuse("AddressLimitExceeded", "The maximum number of addresses has been reached.")
  }
  const trouble = tagTrouble({}, request.tags)
  if (trouble !== undefined) return Result.fail(trouble)
  const uid = request.tags[Tag.uid]
  const made =
    state.isDerived && uid !== undefined
      ? deriveAddress(state, uid)
      : { allocationId: state.ids.next("eipalloc"), publicIp: state.publicAddresses.take() }
  put(state, state.addresses, made.allocationId, { ...made, tags: request.tags, association: undefined }, at)
  return Result.succeed(made)
}

/**
 * Takes an address off its interface. What becomes of the interface: the instance is given an auto-assigned
 * address when this is its only interface, and not always then.
 */
const takeOff = (state: State, at: number, address: AddressRecord): void => {
  const { association } = address
  if (association === undefined) return
  put(state, state.addresses, address.allocationId, { ...address, association: undefined }, at)
  const from = state.interfaces.get(association.networkInterfaceId)
  if (from === undefined) return
  const instance = state.instances.get(from.attachment.instanceId)
  const isGivenAnother =
    instance?.state === "running" &&
    instance.interfaceIds.length === 1 &&
    state.draw.chance(state.conditions.newAutoAssignedAddress)
  const publicIp = isGivenAnother
    ? ({ kind: "auto-assigned", address: state.publicAddresses.take() } as const)
    : undefined
  put(state, state.interfaces, from.networkInterfaceId, { ...from, publicIp }, at)
}

/** Termination and detaching: the address stays allocated and the interface gets nothing instead. */
export const takeOffForGood = (state: State, at: number, networkInterface: InterfaceRecord): void => {
  const { publicIp } = networkInterface
  if (publicIp === undefined) return
  if (publicIp.kind === "auto-assigned") state.publicAddresses.free(publicIp.address)
  else {
    const address = state.addresses.get(publicIp.allocationId)
    if (address !== undefined) {
      put(state, state.addresses, address.allocationId, { ...address, association: undefined }, at)
    }
  }
}

const putOn = (state: State, at: number, address: AddressRecord, target: InterfaceRecord): string => {
  const associationId = state.ids.next("eipassoc")
  const { networkInterfaceId, attachment } = target
  state.associations.set(associationId, address.allocationId)
  const association = { associationId, networkInterfaceId, instanceId: attachment.instanceId }
  put(state, state.addresses, address.allocationId, { ...address, association }, at)
  // The auto-assigned address goes back to Amazon's pool for good.
  if (target.publicIp?.kind === "auto-assigned") state.publicAddresses.free(target.publicIp.address)
  const publicIp = { kind: "elastic", address: address.publicIp, allocationId: address.allocationId } as const
  put(state, state.interfaces, networkInterfaceId, { ...target, publicIp }, at)
  return associationId
}

const instanceTrouble = (state: State, target: InterfaceRecord): Answer<void> => {
  const { instanceId } = target.attachment
  switch (state.instances.get(instanceId)?.state) {
    case "pending":
      return refuse("InvalidInstanceID", `The pending instance '${instanceId}' is not in a valid state`)
    case "shutting-down":
    case "terminated":
      return refuse("IncorrectInstanceState", `The instance '${instanceId}' is not in the right state`)
    default:
      return done
  }
}

/** `isMoving` is AllowReassociation: the address comes from wherever it is, and one on the target goes. */
export const associate = (
  state: State,
  at: number,
  request: {
    readonly allocationId: string
    readonly networkInterfaceId: string
    readonly isMoving?: boolean
  }
): Answer<{ readonly associationId: string }> => {
  const { allocationId, networkInterfaceId, isMoving = false } = request
  const address = state.addresses.named(allocationId, at)
  if (address === undefined) return unknownAllocation(allocationId)
  const target = state.interfaces.named(networkInterfaceId, at)
  if (target === undefined) return unknownInterface(networkInterfaceId)
  const trouble = instanceTrouble(state, target)
  if (Result.isFailure(trouble)) return Result.fail(trouble.failure)

  const { association } = address
  if (association?.networkInterfaceId === networkInterfaceId) {
    return Result.succeed({ associationId: association.associationId })
  }
  if (association !== undefined && !isMoving) {
    return refuse(
      "Resource.AlreadyAssociated",
      `resource ${allocationId} is already associated with associate-id ${association.associationId}`
    )
  }
  const held =
    target.publicIp?.kind === "elastic" ? state.addresses.get(target.publicIp.allocationId) : undefined
  if (held !== undefined) {
    if (!isMoving && state.conditions.occupiedInterface === "refused") {
      return refuse(
        "Resource.AlreadyAssociated",
        `resource ${networkInterfaceId} is already associated with ${held.publicIp}`
      )
    }
    put(state, state.addresses, held.allocationId, { ...held, association: undefined }, at)
  }
  takeOff(state, at, address)
  return Result.succeed({ associationId: putOn(state, at, address, target) })
}

export const disassociate = (
  state: State,
  at: number,
  request: { readonly associationId: string }
): Answer<void> => {
  const { associationId } = request
  const unknown = refuse(
    "InvalidAssociationID.NotFound",
    `The association ID '${associationId}' does not exist`
  )
  const allocationId = state.associations.get(associationId)
  if (allocationId === undefined) return unknown
  const address = state.addresses.get(allocationId)
  if (address?.association?.associationId !== associationId) {
    return state.conditions.repeatedDisassociation === "accepted" ? done : unknown
  }
  takeOff(state, at, address)
  return done
}

export const release = (
  state: State,
  at: number,
  request: { readonly allocationId: string }
): Answer<void> => {
  const { allocationId } = request
  if (state.released.has(allocationId) && state.conditions.repeatedRelease === "AuthFailure") {
    return refuse("AuthFailure", `The address '${allocationId}' does not belong to you.`)
  }
  const address = state.addresses.named(allocationId, at)
  if (address === undefined) return unknownAllocation(allocationId)
  if (address.association !== undefined) {
    return refuse("InvalidIPAddress.InUse", `Address ${address.publicIp} is in use.`)
  }
  put(state, state.addresses, allocationId, undefined, at)
  state.publicAddresses.free(address.publicIp)
  state.released.add(allocationId)
  return done
}
