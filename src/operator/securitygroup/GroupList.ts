/**
 * The group list of a network interface, which EC2 replaces whole and without compare-and-swap.
 * Rule: read right before the write, every foreign group kept, never empty, read again after; one write at a
 * time per interface. A read that lacks what an earlier one showed may be behind: it is made again before it is believed.
 */
import { Effect, Semaphore } from "effect"
import { Ec2, type NetworkInterface } from "../../ec2/Ec2.ts"
import { type Ec2Error, isAmbiguous } from "../../ec2/Ec2Error.ts"
import { NotYet } from "../Failure.ts"
import { Mirrors } from "../Mirrors.ts"

export interface Change {
  readonly networkInterfaceId: string
  readonly groupId: string
  readonly isMember: boolean
}

/** The list after a change; the same array when it holds already. */
export const changed = (groupIds: ReadonlyArray<string>, change: Change): ReadonlyArray<string> => {
  const isMember = groupIds.includes(change.groupId)
  if (isMember === change.isMember) return groupIds
  return change.isMember ? [...groupIds, change.groupId] : groupIds.filter((id) => id !== change.groupId)
}

/** Groups that a write of ours must not have lost. */
export const lost = (sent: ReadonlyArray<string>, seen: ReadonlyArray<string>): ReadonlyArray<string> =>
  sent.filter((id) => !seen.includes(id))

export const make = Effect.gen(function* () {
  const ec2 = yield* Ec2
  const { inventory } = yield* Mirrors
  const locks = new Map<string, { readonly semaphore: Semaphore.Semaphore; users: number }>()

  /** Serialises writers of one interface: two nodes' groups may meet on it while an instance is handed over. */
  const exclusively =
    (networkInterfaceId: string) =>
    <A, E>(effect: Effect.Effect<A, E>) =>
      Effect.suspend(() => {
        const lock = locks.get(networkInterfaceId) ?? { semaphore: Semaphore.makeUnsafe(1), users: 0 }
        lock.users += 1
        locks.set(networkInterfaceId, lock)
        return Effect.ensuring(
          lock.semaphore.withPermits(1)(effect),
          Effect.sync(() => {
            lock.users -= 1
            if (lock.users === 0) locks.delete(networkInterfaceId)
          })
        )
      })

  const write = Effect.fn("GroupList.write")(function* (
    change: Change,
    wrote: (networkInterface: NetworkInterface) => void
  ) {
    const { networkInterfaceId } = change
    const known = inventory.networkInterface(networkInterfaceId)
    const before = yield* inventory.readInterface(networkInterfaceId)
    if (before === undefined) {
      // An interface that is gone carries no group. Where its instance still shows it, that is looked at again, not at once.
      if (!change.isMember && known?.groupIds.includes(change.groupId) !== true) return
      return yield* new NotYet({ message: `EC2 to show ${networkInterfaceId}`, isLag: true })
    }
    if (lost(known?.groupIds ?? [], before.groupIds).some((id) => id !== change.groupId)) {
      const message = `EC2 to show the groups of ${networkInterfaceId} twice alike`
      return yield* new NotYet({ message, isLag: true })
    }
    const groupIds = changed(before.groupIds, change)
    if (groupIds === before.groupIds) {
      wrote(before)
      return
    }
    if (groupIds.length === 0) {
      const message = `${change.groupId} is the only group of ${networkInterfaceId}, and EC2 wants one`
      return yield* new NotYet({ message, isLag: false })
    }
    yield* ec2.modifyNetworkInterfaceGroups({ networkInterfaceId, groupIds }).pipe(
      Effect.tapError((error: Ec2Error) =>
        Effect.sync(() => {
          if (isAmbiguous(error.reason) && before.instanceId !== undefined)
            inventory.doubtInstance(before.instanceId)
        })
      )
    )
    wrote({ ...before, groupIds })
    const after = yield* inventory.readInterface(networkInterfaceId)
    // Somebody else replaced the list between our read and our write or right after it, or EC2's view lags: look
    // again, and not at once.
    if (after !== undefined && before.instanceId !== undefined && lost(groupIds, after.groupIds).length > 0) {
      inventory.doubtInstance(before.instanceId)
      const message = `EC2 to show the groups of ${networkInterfaceId} as they were written`
      return yield* new NotYet({ message, isLag: true })
    }
  })

  return {
    write: (change: Change, wrote: (networkInterface: NetworkInterface) => void) =>
      exclusively(change.networkInterfaceId)(write(change, wrote))
  }
})
