/**
 * What is known of one ExternalIP, and the steps that can be taken for it: the vocabulary of its plan.
 * Rule: every part of the plan answers in these words; a status is written only where it differs.
 */
import * as Next from "../../actor/Next.ts"
import type { Decision } from "../../actor/Reconcile.ts"
import type * as ExternalIP from "../../domain/ExternalIP.ts"
import type { Tags } from "../../domain/Names.ts"
import type { Node, Placement } from "../../domain/Node.ts"
import type { AddressRecord, InstanceSighting } from "../../ec2/Inventory.ts"
import type { InterfaceSelection } from "../Settings.ts"
import { isSameStatus } from "../StatusPatch.ts"
import * as Status from "./Status.ts"

export interface Elsewhere {
  /** Another ExternalIP, alive and enabled, names that node. */
  readonly isAskedFor: boolean
}

export interface Rival {
  readonly externalIP: ExternalIP.ExternalIP
  /** Its address is attached to the contested instance. */
  readonly isAttached: boolean
}

export interface Observed {
  readonly now: number
  /** When this run of the actor began: what was read before is read again where it does not suffice. */
  readonly runBegan: number
  readonly object: ExternalIP.ExternalIP | undefined
  /** Addresses tagged for this object with our cluster id, or one that is adopted. */
  readonly addresses: ReadonlyArray<AddressRecord>
  /** The address named in status, whatever its tags; undefined while the mirror does not hold it. */
  readonly statusAddress: AddressRecord | undefined
  /** We released the address in status: its absence needs no proof. */
  readonly isStatusAddressReleased: boolean
  /** When the address in status was last asked for by id, if it was not found. */
  readonly statusAddressMissingSince: number | undefined
  /** The node that spec names. */
  readonly node: Node | undefined
  readonly placement: Placement | undefined
  readonly sighting: InstanceSighting | undefined
  readonly rivals: ReadonlyArray<Rival>
  /** Where the address is attached, if that is a node other than the one named. */
  readonly elsewhere: Elsewhere | undefined
  /** Nodes other than the one named that carry the label of this address. */
  readonly labelledElsewhere: ReadonlyArray<string>
  /** The named node carries the label of this address. */
  readonly isLabelled: boolean
  /** An earlier process attached it, may have detached it since, and the named node does not say otherwise. */
  readonly isUnproven: boolean
  /** It is not shown on the named node, which carries its label: EC2 may show late that an earlier process attached it. */
  readonly isHidden: boolean
  /** Elastic IPs that the named node's interfaces are shown with, and that ExternalIPs have in their status. */
  readonly ownOnNode: ReadonlyArray<string>
  /** Another address that the named node is labelled with and that may be on it, though EC2 does not show that. */
  readonly claimant: string | undefined
  /** Ids of the groups of ours for the named node: the address goes where the group is. */
  readonly groupIds: ReadonlyArray<string>
  readonly memory: Memory
  readonly policy: Policy
}

export interface Policy {
  readonly clusterId: string
  readonly adoptClusterIds: ReadonlyArray<string>
  readonly extraTags: Tags
  readonly vpcId: string | undefined
  readonly interfaceSelection: InterfaceSelection
}

/** What this process remembers of its own doing, and a restart may forget: then it waits longer, no more. */
export interface Memory {
  /** The intent in status was written by this process and AllocateAddress was not sent since. */
  readonly isIntentUnsent: boolean
  /** EC2 answered what the intent in status was for: nothing of it can turn up later. */
  readonly isIntentAnswered: boolean
  /** When the last look-up by tag began that found nothing. */
  readonly lastEmptyRead: number | undefined
  /** A look-up by tag began after the last write to EC2 for this object. */
  readonly isSearched: boolean
}

export type Step =
  | { readonly _tag: "AddFinalizer" }
  | { readonly _tag: "RemoveFinalizer" }
  | { readonly _tag: "WriteStatus"; readonly status: ExternalIP.Status }
  /** Describe the address named in status by its id. */
  | { readonly _tag: "ReadAddress"; readonly allocationId: string }
  /** Describe by tag: was it allocated after all? */
  | { readonly _tag: "ReadAddresses" }
  /** Status says `Allocating` from here on: the durable intent. */
  | { readonly _tag: "Intend"; readonly status: ExternalIP.Status }
  | { readonly _tag: "Allocate"; readonly tags: Tags }
  | { readonly _tag: "TagAddress"; readonly address: AddressRecord; readonly tags: Tags }
  | { readonly _tag: "LookUpInstance"; readonly instanceId: string }
  | {
      readonly _tag: "Associate"
      readonly address: AddressRecord
      readonly instanceId: string
      readonly networkInterfaceId: string
      readonly nodeName: string
    }
  | { readonly _tag: "Disassociate"; readonly address: AddressRecord; readonly associationId: string }
  | { readonly _tag: "Release"; readonly address: AddressRecord; readonly isExtra: boolean }
  /** Nothing more can be done now; look again, ever slower. */
  | { readonly _tag: "Wait"; readonly why: string }

export const perform = (step: Step): Decision<Step> => ({ _tag: "Perform", step })
export const settled = (next: Next.Next): Decision<Step> => ({ _tag: "Settled", next })

/** Writes the status where it differs, then settles. */
export const say = (
  o: Observed,
  object: ExternalIP.ExternalIP,
  outcome: Status.Outcome,
  next: Next.Next
): Decision<Step> => {
  const status = Status.render(object, outcome, o.now)
  return isSameStatus(object.status, status) ? settled(next) : perform({ _tag: "WriteStatus", status })
}

/** The same, but nobody is sure to wake us: look again, ever slower. */
export const sayAndWait = (
  o: Observed,
  object: ExternalIP.ExternalIP,
  outcome: Status.Outcome,
  why: string
): Decision<Step> => {
  const said = say(o, object, outcome, Next.awaitChange(why))
  return said._tag === "Settled" ? perform({ _tag: "Wait", why }) : said
}
