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

type Call<A> = Effect.Effect<A, Ec2Error>

const codeOf = (reason: Reason): string => ("code" in reason ? reason.code : reason._tag)

/** Series by their labels, made once: there are as many as actions and codes, and every call adds to two of them. */
const makeSeries = () => {
  const requests = new Map<string, Metric.Counter<number>>()
  const durations = new Map<string, Metric.Histogram<number>>()
  return {
    requests: (operation: string, code: string): Metric.Counter<number> => {
      const key = `${operation} ${code}`
      const known = requests.get(key) ?? Metric.withAttributes(Metrics.ec2Requests, { operation, code })
      requests.set(key, known)
      return known
    },
    duration: (operation: string): Metric.Histogram<number> => {
      const known =
        durations.get(operation) ?? Metric.withAttributes(Metrics.ec2RequestDuration, { operation })
      durations.set(operation, known)
      return known
    }
  }
}

export const make = (
  inner: Service,
  { dryRun, governor, mayWrite }: Options & { readonly governor: Governor["Service"] }
): Service => {
  const series = makeSeries()
  const measured = Effect.fnUntraced(function* <A>(action: string, send: Call<A>) {
    const began = yield* Clock.currentTimeMillis
    const result = yield* Effect.result(send)
    const seconds = ((yield* Clock.currentTimeMillis) - began) / 1000
    const code = result._tag === "Success" ? "OK" : codeOf(result.failure.reason)
    yield* Metric.update(series.requests(action, code), 1)
    yield* Metric.update(series.duration(action), seconds)
    const failure = result._tag === "Success" ? undefined : result.failure.reason._tag
    if (failure === "Throttled") yield* governor.refused(action, began)
    // No answer says nothing of the bucket.
    else if (failure !== "Unreachable") yield* governor.admitted(action)
    return yield* Effect.fromResult(result)
  })

  const read = <A>(action: string, send: Call<A>): Call<A> =>
    Effect.andThen(governor.take(action), measured(action, send)).pipe(Effect.withSpan(`Ec2.${action}`))

  const write = <A>(action: string, request: unknown, send: Call<A>): Call<A> => {
    const refuse = (reason: Reason) => Effect.fail(new Ec2Error({ operation: action, reason }))
    if (dryRun) {
      return Effect.logInfo(`dry-run: would ${action}`).pipe(
        Effect.annotateLogs({ request: JSON.stringify(request) }),
        Effect.andThen(refuse(new DryRun({ message: "not sent: --dry-run" })))
      )
    }
    const bounded = Effect.timeoutOrElse(send, {
      duration: writeTimeout,
      orElse: () => refuse(new Unreachable({ message: `no answer within ${Duration.format(writeTimeout)}` }))
    })
    const fenced = Effect.flatMap(mayWrite, (isLeader) =>
      isLeader
        ? measured(action, bounded)
        : refuse(new NotLeader({ message: "not sent: this process does not lead" }))
    )
    return Effect.uninterruptibleMask((restore) =>
      Effect.andThen(restore(governor.take(action)), fenced)
    ).pipe(Effect.withSpan(`Ec2.${action}`))
  }

  const reading =
    <I, A>(operation: Operation, call: (input: I) => Call<A>) =>
    (input: I) =>
      read(actionOf(operation), call(input))
  const writing =
    <I, A>(operation: Operation, call: (input: I) => Call<A>) =>
    (input: I) =>
      write(actionOf(operation), input, call(input))
  const ruling = (operation: Operation, call: (input: RulesRequest) => Call<void>) => (input: RulesRequest) =>
    write(actionOf(operation, input.direction), input, call(input))

  return {
    describeAddresses: reading("describeAddresses", inner.describeAddresses),
    describeSecurityGroups: reading("describeSecurityGroups", inner.describeSecurityGroups),
    describeInstances: reading("describeInstances", inner.describeInstances),
    describeNetworkInterfaces: reading("describeNetworkInterfaces", inner.describeNetworkInterfaces),
    allocateAddress: writing("allocateAddress", inner.allocateAddress),
    associateAddress: writing("associateAddress", inner.associateAddress),
    disassociateAddress: writing("disassociateAddress", inner.disassociateAddress),
    releaseAddress: writing("releaseAddress", inner.releaseAddress),
    createSecurityGroup: writing("createSecurityGroup", inner.createSecurityGroup),
    deleteSecurityGroup: writing("deleteSecurityGroup", inner.deleteSecurityGroup),
    authorizeSecurityGroupRules: ruling("authorizeSecurityGroupRules", inner.authorizeSecurityGroupRules),
    revokeSecurityGroupRules: ruling("revokeSecurityGroupRules", inner.revokeSecurityGroupRules),
    updateSecurityGroupRuleDescriptions: ruling(
      "updateSecurityGroupRuleDescriptions",
      inner.updateSecurityGroupRuleDescriptions
    ),
    modifyNetworkInterfaceGroups: writing("modifyNetworkInterfaceGroups", inner.modifyNetworkInterfaceGroups),
    createTags: writing("createTags", inner.createTags)
  }
}

/** Stands between the operator and the Ec2 service it is given, under the same name. */
export const layer = (options: Options): Layer.Layer<Ec2, never, Ec2 | Governor> =>
  Layer.effect(
    Ec2,
    Effect.gen(function* () {
      return make(yield* Ec2, { ...options, governor: yield* Governor })
    })
  )
