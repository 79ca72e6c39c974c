/**
 * What a fault may cost, in a table: no more than this is forgiven, and for no longer.
 * Rule: a fault of the way or of the process costs nothing; what others do, what arrives when its sender has given up
 * and what EC2 says against the truth may stand until a sweep has found it.
 */
import type { Outcome } from "../../src/simulation/faults/Outcome.ts"
import { lateMillis, orphanedMillis, pair, unseenMillis } from "../../src/simulation/faults/Outcome.ts"

export interface Allowance {
  /** Attachments and detachments more than without it. */
  readonly attachments: number
  /** Milliseconds from the fault on in which the worlds, or what is said of them, may be otherwise than asked for. */
  readonly untrueFor: number
  /**
   * It ends otherwise: what followed an address that was lost has nothing to follow; an ExternalIP that is made when
   * nobody needs it any more is kept for the next node.
   */
  readonly endsOtherwise: boolean
  /** Milliseconds from the fault on in which something may still be put right that shows nowhere. */
  readonly restlessFor: number
}

/** One drift interval, and what a sweep and the repair take. */
export const untilSwept = 330_000
/** EC2's word against our own write is believed once the write must be visible. */
const untilBelieved = 120_000 + untilSwept

/** A refusal that only people can end is tried again after minutes. */
const slowRetry = 330_000
/** A client gives up on a silent connection, and connects anew. */
const silence = 120_000

const nothing: Allowance = { attachments: 0, untrueFor: 0, endsOtherwise: false, restlessFor: 0 }
const untrue = (millis: number, o: Partial<Allowance> = {}): Allowance => ({
  ...nothing,
  untrueFor: millis,
  restlessFor: millis,
  ...o
})
const restless = (millis: number): Allowance => ({ ...nothing, restlessFor: millis })
const lie = untrue(untilBelieved)

const table: Readonly<Record<Outcome, Allowance>> = {
  late: untrue(lateMillis + untilSwept, { attachments: 2 }),
  orphaned: untrue(orphanedMillis + untilSwept, { attachments: 2 }),
  // Each of at most three addresses is put back.
  "hand: address taken off": untrue(untilSwept, { attachments: 3 }),
  "hand: address released": untrue(untilSwept, { attachments: 3, endsOtherwise: true }),
  "hand: rules revoked": untrue(untilSwept),
  "hand: a rule added": untrue(untilSwept),
  "hand: group taken off": untrue(untilSwept),
  "hand: quotas reached for a minute": restless(slowRetry),
  "hand: credentials revoked for a minute": restless(slowRetry),
  "hand: every connection dies silently": restless(silence),
  "slow to show": restless(unseenMillis + silence),
  UnauthorizedOperation: restless(slowRetry),
  AuthFailure: restless(slowRetry),
  AddressLimitExceeded: restless(slowRetry),
  SecurityGroupLimitExceeded: restless(slowRetry),
  RulesPerSecurityGroupLimitExceeded: restless(slowRetry),
  SecurityGroupsPerInterfaceLimitExceeded: restless(slowRetry),
  "InvalidAllocationID.NotFound": lie,
  "InvalidAssociationID.NotFound": lie,
  "InvalidPermission.NotFound": lie,
  "InvalidPermission.Duplicate": lie,
  "InvalidGroup.NotFound": lie,
  "InvalidGroup.Duplicate": lie,
  "InvalidNetworkInterfaceID.NotFound": lie,
  "Resource.AlreadyAssociated": lie
}

/** By call and outcome, where the outcome alone does not say it. */
const peculiar: Readonly<Record<string, Partial<Allowance>>> = {
  "create externalips: late": { endsOtherwise: true },
  "create externalips: orphaned": { endsOtherwise: true }
}

export const allowanceOf = (call: string, outcome: Outcome): Allowance => ({
  ...(table[outcome] ?? nothing),
  ...peculiar[pair(call, outcome)]
})
