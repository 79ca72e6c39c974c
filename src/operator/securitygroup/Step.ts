/**
 * What is known of one node's group, and the steps that can be taken for it: the vocabulary of its plan.
 * Rule: every part of the plan answers in these words.
 */
import type * as Next from "../../actor/Next.ts"
import type { Decision } from "../../actor/Reconcile.ts"
import type * as FirewallRule from "../../domain/FirewallRule.ts"
import type { Tags } from "../../domain/Names.ts"
import type { Node, Placement } from "../../domain/Node.ts"
import * as Permission from "../../domain/Permission.ts"
import type { NetworkInterface } from "../../ec2/Ec2.ts"
import type { GroupRecord, InstanceSighting } from "../../ec2/Inventory.ts"
import type { InterfaceSelection } from "../Settings.ts"
import type { Limits, Refusal } from "./Union.ts"

export interface Observed {
  readonly now: number
  /** When this run of the actor began. */
  readonly runBegan: number
  readonly nodeName: string
  readonly node: Node | undefined
  readonly placement: Placement | undefined
  readonly sighting: InstanceSighting | undefined
  /** Groups tagged for this node with our cluster id, or one that is adopted. */
  readonly groups: ReadonlyArray<GroupRecord>
  /** A group that a rule's status names and whose tags are not ours. */
  readonly foreignGroup: GroupRecord | undefined
  /** A group that a rule's status names and the mirror was never asked for. */
  readonly unreadGroupId: string | undefined
  /** Rules that target this node and may be opened: valid, live, enabled, with their finalizer. */
  readonly wanted: ReadonlyArray<FirewallRule.FirewallRule>
  /** Identities that stay open where they are open: of rules that are disabled, or on their way elsewhere. */
  readonly staying: ReadonlySet<string>
  /** A rule nobody can read points at a group here: nothing is closed until it can be read or is deleted. */
  readonly isFrozen: boolean
  /** The interface of the instance that holds an address of ours. */
  readonly holdingAddress: string | undefined
  readonly memory: Memory
  readonly policy: Policy
}

export interface Policy {
  readonly clusterId: string
  readonly extraTags: Tags
  readonly vpcId: string | undefined
  readonly interfaceSelection: InterfaceSelection
}

/** What this process remembers; a restart may forget it, and then asks EC2 once more. */
export interface Memory {
  /** By rule UID. */
  readonly refusals: ReadonlyMap<string, Refusal>
  readonly limits: Limits
  /** When the first of `limits` is forgotten (epoch milliseconds). */
  readonly limitsUntil: number | undefined
  /** So many permissions go in one call: fewer once a larger batch was refused in this run. */
  readonly batch: Readonly<Record<Permission.Direction, number>>
  /** Descriptions that were sent once: `describedKey`. */
  readonly described: ReadonlySet<string>
  /** Interfaces seen to carry a group, by group, read in this run. */
  readonly attachments: ReadonlyMap<string, ReadonlyArray<NetworkInterface>>
  /** Groups made in this run: on no interface before this run attaches them. */
  readonly made: ReadonlySet<string>
  /** Groups made by this process whose rules were not read since. */
  readonly unread: ReadonlySet<string>
  /** Those that this run has tried to read. */
  readonly readBack: ReadonlySet<string>
  /** Keys of permissions that this run has opened. */
  readonly opened: ReadonlySet<string>
  /** Keys of permissions that EC2 does not let us close: they refer to groups that it does not find. */
  readonly stuck: ReadonlySet<string>
  /** Groups that cannot be taken off an interface, or that something else still holds: emptied first. */
  readonly undeletable: ReadonlySet<string>
  readonly nameTakenBy: string | undefined
}

export interface Authorize {
  readonly _tag: "Authorize"
  readonly group: GroupRecord
  readonly direction: Permission.Direction
  readonly permissions: ReadonlyArray<Permission.Permission>
}

export interface Revoke {
  readonly _tag: "Revoke"
  readonly group: GroupRecord
  readonly direction: Permission.Direction
  readonly permissions: ReadonlyArray<Permission.Permission>
}

export type Step =
  | { readonly _tag: "ReadGroup"; readonly groupId: string }
  /** What EC2 gave the new group beside what its reply is known to mean. */
  | { readonly _tag: "ReadBack"; readonly group: GroupRecord }
  | { readonly _tag: "ReadAttachments"; readonly groupId: string }
  | { readonly _tag: "LookUpInstance"; readonly instanceId: string }
  | { readonly _tag: "CreateGroup"; readonly name: string; readonly vpcId: string; readonly tags: Tags }
  | { readonly _tag: "TagGroup"; readonly group: GroupRecord; readonly tags: Tags }
  | Authorize
  | Revoke
  /** Opens and closes at once: nobody is reached through a group that is on no interface. */
  | { readonly _tag: "Fill"; readonly group: GroupRecord; readonly parts: ReadonlyArray<Authorize | Revoke> }
  | {
      readonly _tag: "Describe"
      readonly group: GroupRecord
      readonly direction: Permission.Direction
      readonly permissions: ReadonlyArray<Permission.Permission>
    }
  | { readonly _tag: "Attach"; readonly groupId: string; readonly networkInterfaceId: string }
  | {
      readonly _tag: "Detach"
      readonly groupId: string
      readonly networkInterfaceId: string
      /** The group is on its way out: where it cannot be taken off, at least nothing stays open through it. */
      readonly isDismantled: boolean
    }
  | { readonly _tag: "DeleteGroup"; readonly group: GroupRecord }
  | { readonly _tag: "Wait"; readonly why: string }

export const perform = (step: Step): Decision<Step> => ({ _tag: "Perform", step })
export const settled = (next: Next.Next): Decision<Step> => ({ _tag: "Settled", next })

export const describedKey = (groupId: string, p: Permission.Permission): string =>
  `${groupId}|${Permission.key(p)}|${p.description}`
