/**
 * The reasons of events: what happened, and to what the event is attached.
 * Rule: an event is published with a reason of this table or with a failure reason, never with another.
 */
import type { FailureReason } from "./Reason.ts"

interface Explanation {
  readonly type: "Normal" | "Warning"
  readonly on: "ExternalIP" | "FirewallRule" | "Node"
  readonly meaning: string
}

export const explanations = {
  AddressAllocated: {
    type: "Normal",
    on: "ExternalIP",
    meaning: "An Elastic IP was allocated for the object."
  },
  AddressAttached: {
    type: "Normal",
    on: "ExternalIP",
    meaning: "The address was attached to the node."
  },
  AddressMoved: {
    type: "Normal",
    on: "ExternalIP",
    meaning: "The address was attached to another node than before."
  },
  AddressDetached: {
    type: "Normal",
    on: "ExternalIP",
    meaning: "The address was taken off where it was attached."
  },
  AddressReleased: {
    type: "Normal",
    on: "ExternalIP",
    meaning: "The Elastic IP was given back to AWS: the object was deleted, or it was a second one."
  },
  AddressAssigned: {
    type: "Normal",
    on: "Node",
    meaning: "The node was given an ExternalIP: one that was free, a kept one, or a new one."
  },
  RuleOpened: { type: "Normal", on: "FirewallRule", meaning: "The rule is open on its node." },
  RuleClosing: {
    type: "Normal",
    on: "FirewallRule",
    meaning: "The rule is no longer wanted where it was open, and is being closed there."
  },
  RuleClosed: {
    type: "Normal",
    on: "FirewallRule",
    meaning: "The rule is closed on every node, and the object goes."
  },
  LeftoversClosed: {
    type: "Normal",
    on: "Node",
    meaning: "What an earlier version had left open on the node, and no FirewallRule asks for, was closed."
  },
  DescriptionNotUpdated: {
    type: "Warning",
    on: "FirewallRule",
    meaning:
      "The rule is open, and EC2 keeps its earlier description: the policy does not allow to change it."
  }
} as const satisfies Readonly<Record<string, Explanation>>

/** Of events that tell of something done. */
export type DoneReason = keyof typeof explanations

export type EventReason = DoneReason | FailureReason
