/**
 * What can go wrong in a call to EC2: one error, one reason per kind of answer, one table from code to reason.
 * Rule: a code that is not in the table is Unrecognised, never guessed to be one of the others.
 * Source of the codes: "Error codes for the Amazon EC2 API" and the actions' own error sections.
 */
import { Schema } from "effect"

const goneCodes = [
  "InvalidAllocationID.NotFound",
  "InvalidAddress.NotFound",
  "InvalidAssociationID.NotFound",
  "InvalidGroup.NotFound",
  "InvalidNetworkInterfaceID.NotFound",
  "InvalidInstanceID.NotFound",
  "InvalidPermission.NotFound"
] as const
const duplicateCodes = [
  "InvalidPermission.Duplicate",
  "InvalidGroup.Duplicate",
  "Resource.AlreadyAssociated"
] as const
const busyCodes = [
  "DependencyViolation",
  "InvalidGroup.InUse",
  "InvalidIPAddress.InUse",
  "IncorrectInstanceState",
  "InvalidInstanceID"
] as const
const quotaCodes = [
  "AddressLimitExceeded",
  "RulesPerSecurityGroupLimitExceeded",
  "SecurityGroupLimitExceeded",
  "SecurityGroupsPerInterfaceLimitExceeded"
] as const
const refusedCodes = [
  "UnauthorizedOperation",
  "AuthFailure",
  "OptInRequired",
  "PendingVerification",
  "Blocked"
] as const

const withCode = { message: Schema.String }

/** The thing named does not exist: done, on the way out; a lag of EC2's own view just after it was made. */
export class Gone extends Schema.TaggedError<Gone>()("Gone", {
  code: Schema.Literals(goneCodes),
  ...withCode
}) {}
/** It is there already: read again. */
export class Duplicate extends Schema.TaggedError<Duplicate>()("Duplicate", {
  code: Schema.Literals(duplicateCodes),
  ...withCode
}) {}
/** Something still holds it: later. */
export class Busy extends Schema.TaggedError<Busy>()("Busy", {
  code: Schema.Literals(busyCodes),
  ...withCode
}) {}
/** A quota of the account is reached: slow, with a condition. */
export class QuotaExceeded extends Schema.TaggedError<QuotaExceeded>()("QuotaExceeded", {
  code: Schema.Literals(quotaCodes),
  ...withCode
}) {}
/** The account or its policy refuses: slow, with a condition. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", {
  code: Schema.Literals(refusedCodes),
  ...withCode
}) {}
/** *.Malformed, MissingParameter, InvalidParameter*: the request is wrong; never taken as "gone". */
export class Mistake extends Schema.TaggedError<Mistake>()("Mistake", { code: Schema.String, ...withCode }) {}
/** RequestLimitExceeded, Throttling*, SlowDown: nothing was done. */
export class Throttled extends Schema.TaggedError<Throttled>()("Throttled", {
  code: Schema.String,
  ...withCode
}) {}
/** InternalError and its kin: for a write the outcome is unknown. */
export class ServerFault extends Schema.TaggedError<ServerFault>()("ServerFault", {
  code: Schema.String,
  ...withCode
}) {}
/** Time-out, reset, no route: for a write the outcome is unknown. */
export class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", withCode) {}
/** A code the table does not know. */
export class Unrecognised extends Schema.TaggedError<Unrecognised>()("Unrecognised", {
  code: Schema.String,
  ...withCode
}) {}
/** The lease is no longer held: the call was not sent. */
export class NotLeader extends Schema.TaggedError<NotLeader>()("NotLeader", withCode) {}
/** --dry-run: the call was logged and not sent. */
export class DryRun extends Schema.TaggedError<DryRun>()("DryRun", withCode) {}

export const Reason = Schema.Union([
  Gone,
  Duplicate,
  Busy,
  QuotaExceeded,
  Refused,
  Mistake,
  Throttled,
  ServerFault,
  Unreachable,
  Unrecognised,
  NotLeader,
  DryRun
])
export type Reason = typeof Reason.Type

export class Ec2Error extends Schema.TaggedError<Ec2Error>()("Ec2Error", {
  operation: Schema.String,
  reason: Reason
}) {
  override get message(): string {
    const code = "code" in this.reason ? `${this.reason.code}: ` : ""
    return `${this.operation}: ${code}${this.reason.message}`
  }
}

const tableOf = <const C extends ReadonlyArray<string>>(
  codes: C,
  make: (code: C[number], message: string) => Reason
): ReadonlyArray<readonly [string, (message: string) => Reason]> =>
  codes.map((code) => [code, (message) => make(code, message)] as const)

const table: ReadonlyMap<string, (message: string) => Reason> = new Map([
  ...tableOf(goneCodes, (code, message) => new Gone({ code, message })),
  ...tableOf(duplicateCodes, (code, message) => new Duplicate({ code, message })),
  ...tableOf(busyCodes, (code, message) => new Busy({ code, message })),
  ...tableOf(quotaCodes, (code, message) => new QuotaExceeded({ code, message })),
  ...tableOf(refusedCodes, (code, message) => new Refused({ code, message }))
])

const mistake =
  /(\.Malformed|^MissingParameter|^InvalidParameter|^UnknownParameter|^ValidationError|^InvalidGroupId\.Malformed)/
const throttled = /^(RequestLimitExceeded|Throttling|SlowDown|RequestThrottled)/
const server = /^(InternalError|InternalFailure|ServiceUnavailable|Unavailable|InternalServerError)$/

/** Every code the table knows by name. */
export const knownCodes: ReadonlyArray<string> = [
  ...goneCodes,
  ...duplicateCodes,
  ...busyCodes,
  ...quotaCodes,
  ...refusedCodes
]

/** An EC2 error code -> its reason. */
export const fromCode = (code: string, message: string): Reason => {
  const known = table.get(code)
  if (known !== undefined) return known(message)
  if (mistake.test(code)) return new Mistake({ code, message })
  if (throttled.test(code)) return new Throttled({ code, message })
  if (server.test(code)) return new ServerFault({ code, message })
  return new Unrecognised({ code, message })
}

/** Whether a write that failed so may have been applied all the same. */
export const isAmbiguous = (reason: Reason): boolean =>
  reason._tag === "ServerFault" || reason._tag === "Unreachable"
