/**
 * Taking an address off an interface.
 * Rule: the label of the node goes first: while it is there, no process has taken the address off.
 */
import * as Next from "../../actor/Next.ts"
import type { Decision } from "../../actor/Reconcile.ts"
import type { AddressRecord } from "../../ec2/Inventory.ts"
import { perform, type Step, settled } from "./Step.ts"

/**
 * Undefined when it is attached nowhere.
 *
 * @param labelled the nodes that carry its label and must lose it
 */
export const detach = (
  address: AddressRecord,
  labelled: ReadonlyArray<string>
): Decision<Step> | undefined => {
  if (address.association === undefined) return undefined
  if (labelled.length > 0) {
    return settled(Next.awaitChange(`the label of ${address.publicIp} to leave ${labelled.join(", ")}`))
  }
  return perform({ _tag: "Disassociate", address, associationId: address.association.associationId })
}
