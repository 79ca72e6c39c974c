/**
 * EC2 as the operator gets it: paced, fenced, bounded and measured.
 * Rule: a token first, then the lease is checked, then the request is sent; a mutation that was sent is never
 * interrupted, never retried here, and over before the lease can be somebody else's.
 */
import { Clock, Duration, Effect, Layer, Metric } from "effect"
import * as Metrics from "../domain/Metrics.ts"
import { actionOf, Ec2, type Operation, type RulesRequest, type Service } from "./Ec2.ts"
import { DryRun, Ec2Error, NotLeader, type Reason, Unreachable } from "./Ec2Error.ts"
import { Governor } from "./Governor.ts"

/** Shorter than the gap between our last moment as leader and the first of another (5 s). */
export const writeTimeout = Duration.seconds(4)

export interface Options {
  /** Asked right before each mutation; answers from memory. */
  readonly mayWrite: Effect.Effect<boolean>
  readonly dryRun: boolean
}

export const guard = (ec2: Service, governor: Governor["Service"], options: Options): Service => {
  const measured = <A>(action: string, send: Effect.Effect<A, Ec2Error>): Effect.Effect<A, Ec2Error> =>
    Effect.gen(function* () {
      const began = yield* Clock.currentTimeMillis
      const result = yield* Effect.result(send)
      const seconds = ((yield* Clock.currentTimeMillis) - began) / 1000
      const code = result._tag === "Success" ? "OK" : codeOf(result.failure.reason)
      yield* Metric.update(Metric.withAttributes(Metrics.ec2Requests, { operation: action, code }), 1)
      yield* Metric.update(Metric.withAttributes(Metrics.ec2RequestDuration, { operation: action }), seconds)
      if (result._tag === "Success") return result.success
      if (result.failure.reason._tag === "Throttled") yield* governor.refused(action)
      return yield* result.failure
    })

  const read = <A>(action: string, send: Effect.Effect<A, Ec2Error>): Effect.Effect<A, Ec2Error> =>
    Effect.andThen(governor.take(action), measured(action, send)).pipe(Effect.withSpan(`Ec2.${action}`))

  const write = <A>(
    action: string,
    request: unknown,
    send: Effect.Effect<A, Ec2Error>
  ): Effect.Effect<A, Ec2Error> => {
    const refuse = (reason: Reason) => Effect.fail(new Ec2Error({ operation: action, reason }))
    if (options.dryRun) {
      const said = Effect.annotateLogs(Effect.logInfo(`dry-run: would ${action}`), { request: JSON.stringify(request) })
      return Effect.andThen(said, refuse(new DryRun({ message: "not sent: --dry-run" })))
    }
    const fenced = Effect.gen(function* () {
      if (!(yield* options.mayWrite)) {
        return yield* refuse(new NotLeader({ message: "not sent: this process does not lead" }))
      }
      return yield* Effect.timeoutOrElse(measured(action, send), {
        duration: writeTimeout,
        orElse: () => refuse(new Unreachable({ message: `no answer within ${Duration.format(writeTimeout)}` }))
      })
    }).pipe(Effect.uninterruptible)
    return Effect.andThen(governor.take(action), fenced).pipe(Effect.withSpan(`Ec2.${action}`))
  }

  const reading =
    <I, A>(operation: Operation, call: (input: I) => Effect.Effect<A, Ec2Error>) =>
    (input: I) =>
      read(actionOf(operation), call(input))
  const writing =
    <I, A>(operation: Operation, call: (input: I) => Effect.Effect<A, Ec2Error>) =>
    (input: I) =>
      write(actionOf(operation), input, call(input))
  const ruling =
    (operation: Operation, call: (input: RulesRequest) => Effect.Effect<void, Ec2Error>) =>
    (input: RulesRequest) =>
      write(actionOf(operation, input.direction), input, call(input))

  return {
    describeAddresses: reading("describeAddresses", ec2.describeAddresses),
    describeSecurityGroups: reading("describeSecurityGroups", ec2.describeSecurityGroups),
    describeInstances: reading("describeInstances", ec2.describeInstances),
    describeNetworkInterfaces: reading("describeNetworkInterfaces", ec2.describeNetworkInterfaces),
    allocateAddress: writing("allocateAddress", ec2.allocateAddress),
    associateAddress: writing("associateAddress", ec2.associateAddress),
    disassociateAddress: writing("disassociateAddress", ec2.disassociateAddress),
    releaseAddress: writing("releaseAddress", ec2.releaseAddress),
    createSecurityGroup: writing("createSecurityGroup", ec2.createSecurityGroup),
    deleteSecurityGroup: writing("deleteSecurityGroup", ec2.deleteSecurityGroup),
    authorizeSecurityGroupRules: ruling("authorizeSecurityGroupRules", ec2.authorizeSecurityGroupRules),
    revokeSecurityGroupRules: ruling("revokeSecurityGroupRules", ec2.revokeSecurityGroupRules),
    updateSecurityGroupRuleDescriptions: ruling(
      "updateSecurityGroupRuleDescriptions",
      ec2.updateSecurityGroupRuleDescriptions
    ),
    modifyNetworkInterfaceGroups: writing("modifyNetworkInterfaceGroups", ec2.modifyNetworkInterfaceGroups),
    createTags: writing("createTags", ec2.createTags)
  }
}

const codeOf = (reason: Reason): string => ("code" in reason ? reason.code : reason._tag)

/** Stands between the operator and the Ec2 service it is given, under the same name. */
export const layer = (options: Options): Layer.Layer<Ec2, never, Ec2 | Governor> =>
  Layer.effect(
    Ec2,
    Effect.gen(function* () {
      return guard(yield* Ec2, yield* Governor, options)
    })
  )
