/**
 * Every call that the operator can make to the two worlds, and what may become of each.
 * Rule: the list follows from the actions and verbs and from what is legal for them, never from what a run happened to
 * meet. Sources: the EC2 API reference (errors of each action), "Eventual consistency in the Amazon EC2 API", the
 * Kubernetes API concepts (watch, resource versions, status codes).
 */
import { actions } from "../../ec2/Buckets.ts"

export type Sort = "EC2 write" | "EC2 read" | "write" | "read" | "watch" | "event"

export interface Call {
  readonly sort: Sort
  /** The EC2 action; or verb and resource: "patch externalips/status", "watch nodes", "MODIFIED nodes". */
  readonly name: string
}

/** How long a client waits for an answer that never comes, and how much later a request arrives that is late. */
export const patienceMillis = 3_000
export const lateMillis = 8_000
/** Of a request whose sender is gone, and whose lease as well: 15 s and some more. */
export const orphanedMillis = 20_000
/** For so long no describe shows a write that is slow to show. */
export const unseenMillis = 100_000

/**
 * What becomes of a call that can change something.
 * "no answer": not done, and nobody says so. "lost answer": done, and nobody says so. "late": the caller has given up by
 * the time it arrives. "orphaned": its sender dies, and it arrives when another one leads.
 */
const writeFates = [
  "crash before",
  "crash after",
  "no answer",
  "lost answer",
  "twice",
  "late",
  "orphaned"
] as const

/** What others do in the moment before an EC2 write takes effect. */
export const hands = [
  "hand: address taken off",
  "hand: address released",
  "hand: rules revoked",
  "hand: a rule added",
  "hand: group taken off",
  "hand: foreign group put on",
  "hand: quotas reached for a minute",
  "hand: credentials revoked for a minute",
  "hand: every connection dies silently"
] as const
export type Hand = (typeof hands)[number]

/** Error codes that any action can answer with, nothing done. */
const anyCode = ["RequestLimitExceeded", "InternalError", "UnauthorizedOperation"] as const

/** Those of single actions; what a lag of EC2 makes of an id that was just returned is among them. */
const codesOf: Readonly<Record<string, ReadonlyArray<string>>> = {
  AllocateAddress: ["AddressLimitExceeded"],
  AssociateAddress: [
    "InvalidAllocationID.NotFound",
    "InvalidNetworkInterfaceID.NotFound",
    "Resource.AlreadyAssociated",
    "IncorrectInstanceState",
    "InvalidInstanceID"
  ],
  DisassociateAddress: ["InvalidAssociationID.NotFound"],
  ReleaseAddress: ["InvalidAllocationID.NotFound", "InvalidIPAddress.InUse", "AuthFailure"],
  CreateSecurityGroup: ["InvalidGroup.Duplicate", "SecurityGroupLimitExceeded"],
  DeleteSecurityGroup: ["DependencyViolation", "InvalidGroup.InUse", "InvalidGroup.NotFound"],
  AuthorizeSecurityGroupIngress: [
    "InvalidPermission.Duplicate",
    "InvalidGroup.NotFound",
    "RulesPerSecurityGroupLimitExceeded"
  ],
  AuthorizeSecurityGroupEgress: [
    "InvalidPermission.Duplicate",
    "InvalidGroup.NotFound",
    "RulesPerSecurityGroupLimitExceeded"
  ],
  RevokeSecurityGroupIngress: ["InvalidPermission.NotFound", "InvalidGroup.NotFound"],
  RevokeSecurityGroupEgress: ["InvalidPermission.NotFound", "InvalidGroup.NotFound"],
  UpdateSecurityGroupRuleDescriptionsIngress: ["InvalidPermission.NotFound", "InvalidGroup.NotFound"],
  UpdateSecurityGroupRuleDescriptionsEgress: ["InvalidPermission.NotFound", "InvalidGroup.NotFound"],
  ModifyNetworkInterfaceAttribute: [
    "InvalidGroup.NotFound",
    "InvalidNetworkInterfaceID.NotFound",
    "SecurityGroupsPerInterfaceLimitExceeded"
  ],
  CreateTags: ["InvalidAllocationID.NotFound", "InvalidGroup.NotFound"],
  // A whole batch fails for one unknown id.
  DescribeInstances: ["InvalidInstanceID.NotFound"]
}

const ec2Write = [...writeFates, "InternalError, yet done", "slow to show", ...hands, ...anyCode] as const
const ec2Read = [
  "crash after",
  "no answer",
  "behind by 1",
  "behind by 3",
  "behind by all",
  ...anyCode
] as const
const write = [...writeFates, "409", "429", "403", "500", "504, yet done"] as const
const read = ["crash after", "no answer", "429", "403", "500"] as const
const list = [...read, "410", "behind by 1", "behind by 3"] as const
const watch = ["no answer", "429", "403", "500", "410", "closed"] as const
/** "dropped": the watch ends with 410 before it, so that only what comes of it is seen in the next list. */
const event = ["twice", "late", "closed", "410", "500", "dropped"] as const

/** A fate, an error code of EC2, or an HTTP status of the API server. */
export type Outcome = string

const isRead = (action: string): boolean => action.startsWith("Describe")
export const sortOf = (action: string): Sort => (isRead(action) ? "EC2 read" : "EC2 write")

const writes = [
  "create externalips",
  "create events",
  "create leases",
  "patch nodes",
  "patch externalips",
  "patch externalips/status",
  "patch firewallrules",
  "patch firewallrules/status",
  "patch events",
  "update leases"
]
const mirrored = ["nodes", "pods", "externalips", "firewallrules"]
const reads = ["nodes", "externalips", "firewallrules", "leases"].map((resource) => `get ${resource}`)
const lists = mirrored.map((resource) => `list ${resource}`)
const watches = [...mirrored, "leases"].map((resource) => `watch ${resource}`)
const events = [...mirrored, "leases"].flatMap((resource) =>
  ["ADDED", "MODIFIED", "DELETED"].map((type) => `${type} ${resource}`)
)

/** Every call there is. */
export const calls: ReadonlyArray<Call> = [
  ...actions.map((name): Call => ({ sort: sortOf(name), name })),
  ...writes.map((name): Call => ({ sort: "write", name })),
  ...[...reads, ...lists].map((name): Call => ({ sort: "read", name })),
  ...watches.map((name): Call => ({ sort: "watch", name })),
  ...events.map((name): Call => ({ sort: "event", name }))
]

const ofSort = ({ name, sort }: Call): ReadonlyArray<Outcome> => {
  switch (sort) {
    case "EC2 write":
      return ec2Write
    case "EC2 read":
      return ec2Read
    case "write":
      return name.startsWith("create ") ? write.map((o) => (o === "409" ? "409 AlreadyExists" : o)) : write
    case "read":
      return name.startsWith("list ") ? list : read
    case "watch":
      return watch
    case "event":
      return event
  }
}

const table = new Map(calls.map((call) => [call.name, [...ofSort(call), ...(codesOf[call.name] ?? [])]]))

/** What may become of a call, besides going well. */
export const outcomesOf = (call: Call): ReadonlyArray<Outcome> => table.get(call.name) ?? []

/** "AllocateAddress: twice". */
export const pair = (name: string, outcome: Outcome): string => `${name}: ${outcome}`

/** Every call with everything that may become of it. */
export const pairs: ReadonlyArray<string> = calls.flatMap((call) =>
  outcomesOf(call).map((outcome) => pair(call.name, outcome))
)
