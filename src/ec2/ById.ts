/**
 * Many things asked for by id, in as few describes as EC2 allows.
 * Rule: whoever asks within one short window shares a call; nothing is asked for twice in it; a call that fails
 * fails those only whose ids it carried.
 */
import { Array as Arr, Clock, Context, Duration, Effect, Exit, Request, RequestResolver } from "effect"
import type { Ec2Error } from "./Ec2Error.ts"
import { Urgency, urgencies } from "./Governor.ts"

/** "A filter takes at most 200 values" (Filter, EC2 API reference). */
export const batchSize = 200
/** Long enough for a burst of nodes to share a call, short beside one call's own time. */
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

  const resolver = RequestResolver.make<Ask>((entries) => {
    const asking = new Map<string, Array<Request.Entry<Ask>>>()
    const wanted = new Set<Urgency>()
    for (const entry of entries) {
      const { id } = entry.request
      const known = asking.get(id)
      if (known === undefined) asking.set(id, [entry])
      else known.push(entry)
      wanted.add(Context.get(entry.context, Urgency))
    }
    const call = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
      const began = yield* Clock.currentTimeMillis
      const exit = yield* Effect.exit(describe(ids))
      for (const id of ids) {
        const answer = Exit.map(exit, (byId) => ({ began, value: byId.get(id) }))
        for (const entry of asking.get(id) ?? []) entry.completeUnsafe(answer)
      }
    })
    return Effect.forEach(Arr.chunksOf(asking.keys(), batchSize), call, {
      concurrency: "unbounded",
      discard: true
    }).pipe(Effect.provideService(Urgency, urgencies.find((urgency) => wanted.has(urgency)) ?? "Sweep"))
  }).pipe(RequestResolver.setDelay(batchWindow))

  // The rows of this resolver come from this describe.
  return (id) => Effect.request(new Ask({ id }), resolver) as Effect.Effect<Row<A>, Ec2Error>
}
