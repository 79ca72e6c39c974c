/**
 * One request to EC2 through the SDK, as an effect.
 * Rule: bounded in time, its body included; interrupted, it is aborted; an answer is taken for EC2's only when it
 * has what every answer of EC2 to that request has.
 */
import { Duration, Effect } from "effect"
import type { Direction } from "../domain/Permission.ts"
import { actionOf, type Operation } from "./Ec2.ts"
import { Ec2Error, type Reason, Unreachable } from "./Ec2Error.ts"
import { reasonOf } from "./SdkFailure.ts"

/** A write must be over within the lease gap; a page of a describe is large. */
export interface Timeouts {
  readonly connect: Duration.Duration
  readonly write: Duration.Duration
  /** Of each page. */
  readonly read: Duration.Duration
  /**
   * A connection that nothing was asked over for so long is closed. Ours go first: a request over one that the other
   * side is just closing has no answer, and an AllocateAddress without an answer waits for minutes.
   */
  readonly idle: Duration.Duration
}
export const timeouts: Timeouts = {
  connect: Duration.seconds(2),
  write: Duration.seconds(4),
  read: Duration.seconds(10),
  // Servers and proxies keep them for 5 s and more.
  idle: Duration.seconds(4)
}

/** "MaxResults: between 5 and 1000" (DescribeInstances, DescribeSecurityGroups, DescribeNetworkInterfaces). */
const pageSize = 1_000

/** What the SDK's `send` is given besides the command. */
export interface Sending {
  readonly abortSignal: AbortSignal
}
export interface Page {
  readonly MaxResults: number
  readonly NextToken?: string
}

type Call<A> = Effect.Effect<A, Ec2Error>

const unreachable = (action: string, message: string): Ec2Error =>
  new Ec2Error({ operation: action, reason: new Unreachable({ message }) })

const send = <A>(
  action: string,
  within: Duration.Duration,
  request: (sending: Sending) => Promise<A>
): Call<A> =>
  Effect.tryPromise({
    try: (abortSignal) => request({ abortSignal }),
    catch: (cause) => new Ec2Error({ operation: action, reason: reasonOf(cause) })
  }).pipe(
    // The SDK's own request time-out ends with the headers.
    Effect.timeoutOrElse({
      duration: within,
      orElse: () => Effect.fail(unreachable(action, `no answer within ${Duration.format(within)}`))
    })
  )

/**
 * The part of an answer that every answer has, be it empty. A page of some proxy, taken for an empty list, would
 * say that everything is gone.
 */
const partOf = <A, B>(action: string, answer: A, part: (answer: A) => B | undefined): Call<B> => {
  const found = part(answer)
  return found === undefined
    ? Effect.fail(unreachable(action, "the answer is not one of EC2"))
    : Effect.succeed(found)
}

export const make = (limits: Timeouts) => ({
  write: (
    operation: Operation,
    request: (sending: Sending) => Promise<unknown>,
    direction?: Direction
  ): Call<void> => Effect.asVoid(send(actionOf(operation, direction), limits.write, request)),

  /** A write that EC2 may answer with a success that is none. */
  checked: <A>(
    operation: Operation,
    request: (sending: Sending) => Promise<A>,
    reasonIn: (answer: A) => Reason | undefined,
    direction: Direction
  ): Call<void> => {
    const action = actionOf(operation, direction)
    return Effect.flatMap(send(action, limits.write, request), (answer) => {
      const reason = reasonIn(answer)
      return reason === undefined ? Effect.void : Effect.fail(new Ec2Error({ operation: action, reason }))
    })
  },

  /** A write whose answer names what was made; one that does not leaves the outcome unknown. */
  create: <A, B>(
    operation: Operation,
    request: (sending: Sending) => Promise<A>,
    madeOf: (answer: A) => B | undefined
  ): Call<B> => {
    const action = actionOf(operation)
    return Effect.flatMap(send(action, limits.write, request), (answer) => partOf(action, answer, madeOf))
  },

  /** Every page. The last one has no next token, or an empty one. */
  read: Effect.fnUntraced(function* <P extends { readonly NextToken?: string | undefined }, A>(
    operation: Operation,
    request: (page: Page, sending: Sending) => Promise<P>,
    itemsOf: (answer: P) => ReadonlyArray<A> | undefined
  ) {
    const action = actionOf(operation)
    const found: Array<A> = []
    let token: string | undefined
    do {
      const page: Page = { MaxResults: pageSize, ...(token === undefined ? {} : { NextToken: token }) }
      const answer: P = yield* send(action, limits.read, (sending) => request(page, sending))
      for (const item of yield* partOf(action, answer, itemsOf)) found.push(item)
      token = answer.NextToken || undefined
    } while (token !== undefined)
    return found
  })
})
