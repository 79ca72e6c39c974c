/**
 * The conditions under which the simulated EC2 answers: quotas, policy, crowding, lag, and how what AWS does not
 * document turns out.
 * Rule: every value may change while the world runs; nothing else about the world is configurable.
 */
import { never, type Span } from "./Draw.ts"

export interface Quotas {
  /** Elastic IPs per region. */
  readonly addresses: number
  /** Security groups per region. */
  readonly groups: number
  /** Rules per group and direction; IPv4 and IPv6 are counted apart. */
  readonly rulesPerGroup: number
  readonly groupsPerInterface: number
}

export interface Conditions {
  readonly quotas: Quotas
  /** Actions that the caller's policy does not allow: UnauthorizedOperation. */
  readonly denied: ReadonlySet<string>
  /** False: every call is answered with AuthFailure. */
  readonly areCredentialsValid: boolean
  /** The share of every request bucket that others in the account use up, 0 to 1. */
  readonly othersShare: number
  /** How often others empty a bucket right before a request of ours comes: RequestLimitExceeded, 0 to 1. */
  readonly crowding: number
  /** How long describes go on telling what was before a write; a new id is unknown for a part of that time. */
  readonly lag: Span
  /** From a request to its answer; the request takes effect half-way. */
  readonly latency: Span
  /** AssociateAddress with AllowReassociation=false on an interface that holds another Elastic IP. */
  readonly occupiedInterface: "refused" | "displaced"
  /** The rest of an authorize request of which one rule exists already. */
  readonly restOfDuplicate: "refused" | "applied"
  /** DisassociateAddress for an association that has ended. */
  readonly repeatedDisassociation: "accepted" | "NotFound"
  /** ReleaseAddress for an address that was released: nobody has it by now, or somebody else. */
  readonly repeatedRelease: "NotFound" | "AuthFailure"
  /** How often an instance that loses its Elastic IP is given an auto-assigned public address again. */
  readonly newAutoAssignedAddress: number
}

/** As a new account has them ("Amazon VPC quotas"; "Elastic IP addresses: quota"). */
export const newAccountQuotas: Quotas = {
  addresses: 5,
  groups: 2_500,
  rulesPerGroup: 60,
  groupsPerInterface: 5
}

/** Not in the policy that the operator is given. */
const beyondBasePolicy = [
  "UpdateSecurityGroupRuleDescriptionsIngress",
  "UpdateSecurityGroupRuleDescriptionsEgress"
]

export const defaults: Conditions = {
  quotas: { ...newAccountQuotas, addresses: 100_000 },
  denied: new Set(beyondBasePolicy),
  areCredentialsValid: true,
  othersShare: 0,
  crowding: 0,
  lag: never,
  latency: never,
  occupiedInterface: "refused",
  restOfDuplicate: "refused",
  repeatedDisassociation: "accepted",
  repeatedRelease: "NotFound",
  newAutoAssignedAddress: 0.5
}

/** What a request from one availability zone to the regional endpoint takes. */
export const usualLatency: Span = { min: 80, max: 250 }

export type ConditionsChange = Partial<Omit<Conditions, "quotas">> & { readonly quotas?: Partial<Quotas> }

export const changed = (before: Conditions, change: ConditionsChange): Conditions => ({
  ...before,
  ...change,
  quotas: { ...before.quotas, ...change.quotas }
})
