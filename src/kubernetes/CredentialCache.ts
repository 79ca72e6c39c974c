/**
 * Credentials kept for a while, so that a request does not read files or run a plugin.
 * Rule: one read at a time; a read that fails leaves the old credentials in use, as client-go's token source does.
 */
import { Clock, Effect, Semaphore } from "effect"
import type { Credentials, CredentialsError } from "./Access.ts"

/** As long as client-go keeps a token it has read from a file; kubelet rotates tokens many minutes ahead. */
export const timeToLiveMillis = 60_000
/** After a read that failed. */
const retryMillis = 10_000

/** Reads the credentials; `afresh` when what was read before was refused and nothing may be cached below. */
export type Read = (afresh: boolean) => Effect.Effect<Credentials, CredentialsError>

export interface CredentialCache {
  readonly current: Effect.Effect<Credentials>
  readonly renewed: (refused: Credentials) => Effect.Effect<Credentials, CredentialsError>
}

/** `first` has just been read. */
export const make = Effect.fnUntraced(function* (first: Credentials, read: Read) {
  let held = first
  let goodUntil = (yield* Clock.currentTimeMillis) + timeToLiveMillis
  const oneAtATime = Semaphore.withPermits(yield* Semaphore.make(1), 1)

  const readAgain = Effect.fnUntraced(
    function* (afresh: boolean) {
      held = yield* read(afresh)
      goodUntil = (yield* Clock.currentTimeMillis) + timeToLiveMillis
      return held
    },
    Effect.tapError(() =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        goodUntil = now + retryMillis
      })
    )
  )

  const isGood = Effect.map(Clock.currentTimeMillis, (now) => now < goodUntil)

  const readUnlessRead = Effect.gen(function* () {
    // Those who waited for somebody else's read find its result.
    if (yield* isGood) return held
    return yield* readAgain(false)
  })

  const current = Effect.gen(function* () {
    if (yield* isGood) return held
    return yield* Effect.catch(oneAtATime(readUnlessRead), (error) =>
      Effect.as(Effect.logWarning(`credentials cannot be read, the old ones stay: ${error.message}`), held)
    )
  })

  const renewed = (refused: Credentials) =>
    oneAtATime(Effect.suspend(() => (held === refused ? readAgain(true) : Effect.succeed(held))))

  return { current, renewed } satisfies CredentialCache
})
