/**
 * Many things asked for by id, in as few describes as EC2 allows.
 * Rule: whoever asks within one short window shares a call, and so does who asks for what is on its way already; a
 * call that fails fails those only whose ids it carried.
 */
import {
  Array as Arr,
  Clock,
  Context,
  Deferred,
  Duration,
  Effect,
  Exit,
  Request,
  RequestResolver
} from "effect"
import type { Ec2Error } from "./Ec2Error.ts"
import { Urgency, urgencies } from "./Governor.ts"

/** "A filter takes at most 200 values" (Filter, EC2 API reference). */
export const batchSize = 200
/** A call waits for more until nobody has joined it for so long, which who comes alone hardly feels, ... */
export const batchLull = Duration.millis(10)
/** ... and no longer than this: a burst of nodes shares a call, and waits less than the call takes. */
export const batchWindow = Duration.millis(100)

/** What a describe showed of one id, and when it began (epoch milliseconds). */
export interface Row<A> {
  /** Undefined: it does not show it. */
  readonly value: A | undefined
  readonly began: number
}

/** `describe` is given distinct ids, at most `batchSize`, and is as urgent as the most urgent of the askers. */
export const make = <A>(
  describe: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, A>, Ec2Error>
): ((id: string) => Effect.Effect<Row<A>, Ec2Error>) => {
  class Ask extends Request.Class<{ readonly id: string }, Row<unknown>, Ec2Error> {}
  type Answer = Exit.Exit<Row<A>, Ec2Error>

  let asked = 0
  /** What was sent and is not answered, by id. */
  const underWay = new Map<string, Deferred.Deferred<Row<A>, Ec2Error>>()

  const untilNobodyJoins = Effect.gen(function* () {
    let seen: number
    do {
      seen = asked
      yield* Effect.sleep(batchLull)
    } while (asked !== seen)
  }).pipe(Effect.timeoutOption(batchWindow), Effect.asVoid)

  const call = Effect.fnUntraced(function* (
    ids: ReadonlyArray<string>,
    complete: (id: string, answer: Answer) => void
  ) {
    const began = yield* Clock.currentTimeMillis
    const answers = new Map(ids.map((id) => [id, Deferred.makeUnsafe<Row<A>, Ec2Error>()]))
    for (const [id, answer] of answers) underWay.set(id, answer)
    // A call that was sent is not given up, whoever stops waiting for it.
    const exit = yield* Effect.exit(describe(ids))
    for (const [id, joined] of answers) {
      const answer = Exit.map(exit, (byId) => ({ began, value: byId.get(id) }))
      if (underWay.get(id) === joined) underWay.delete(id)
      Deferred.doneUnsafe(joined, answer)
      complete(id, answer)
    }
  })

  const resolver = RequestResolver.make<Ask>((entries) => {
    const asking = Map.groupBy(entries, (entry) => entry.request.id)
    const wanted = new Set(entries.map((entry) => Context.get(entry.context, Urgency)))
    const complete = (id: string, answer: Answer): void => {
      for (const entry of asking.get(id) ?? []) entry.completeUnsafe(answer)
    }
    return Effect.forEach(Arr.chunksOf(asking.keys(), batchSize), (ids) => call(ids, complete), {
      concurrency: "unbounded",
      discard: true
    }).pipe(Effect.provideService(Urgency, urgencies.find((urgency) => wanted.has(urgency)) ?? "Sweep"))
  }).pipe(RequestResolver.setDelayEffect(untilNobodyJoins))

  // The rows of this resolver come from this describe.
  const send = (id: string) => Effect.request(new Ask({ id }), resolver) as Effect.Effect<Row<A>, Ec2Error>

  return (id) =>
    Effect.suspend(() => {
      asked += 1
      const sent = underWay.get(id)
      return sent === undefined ? send(id) : Deferred.await(sent)
    })
}
