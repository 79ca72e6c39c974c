/**
 * A mirror of one resource, kept true by list and watch.
 * Rule: whatever happens to connections, watches and versions, the mirror ends equal to the server; trouble is
 * waited out and said, and nothing ends this but interruption.
 */
import { Clock, Duration, Effect, Latch, Random, Stream } from "effect"
import { type Fields, project } from "../domain/Fields.ts"
import type { Raw } from "../domain/Object.ts"
import { Kubernetes, type Resource, type WatchEvent } from "./Kubernetes.ts"
import type { KubernetesError } from "./KubernetesError.ts"
import * as Mirror from "./Mirror.ts"

export type { Change } from "./Mirror.ts"

export interface Options<A, Index extends string> extends Mirror.Options<A, Index> {
  readonly resource: Resource
  readonly labelSelector?: string
  /** What of each object is read: `decode` is given nothing else, wherever the object comes from. */
  readonly fields: Fields
  /** Total: a raw object that cannot be understood becomes a value that says so. */
  readonly decode: (raw: Raw) => A
}

export interface Store<A, Index extends string> {
  // From memory.
  readonly get: (key: string) => A | undefined
  readonly all: () => Iterable<A>
  readonly size: () => number
  readonly find: (index: Index, value: string) => ReadonlyArray<A>
  /** Write-through: the reply of our own write. The newest state known afterwards. */
  readonly accept: (raw: Raw) => A
  readonly forget: (key: string, uid: string) => void
  /** Called synchronously, once the mirror holds the new state. */
  readonly onChange: (listener: (change: Mirror.Change<A>) => void) => void
  /**
   * Lists now: what the watch has not brought yet is known afterwards. The watch goes on where it is, and where it is
   * ahead of the list, it tells more.
   */
  readonly refresh: Effect.Effect<void, KubernetesError>
  /** List and watch until interrupted. */
  readonly run: Effect.Effect<never>
  /**
   * Completes when the first list is there and a watch goes on from it: what the list may lack is on its way. While the
   * last watch has failed and the next is not open, it waits again.
   */
  readonly ready: Effect.Effect<void>
  /** The first list is complete and the last attempt to list or watch succeeded: what is held is no guess. */
  readonly isCurrent: () => boolean
}

/** "Retrieving large results sets in chunks". */
const pageSize = 500
/** Seconds; random, so that the watches of many clients do not end together. */
const watchSeconds = [240, 300] as const
/**
 * Milliseconds. Where heartbeats and nothing else come more often than this, the next read waits as long: 5,000 nodes
 * send 17 a second, and to wake for each costs more than all of them read together. So late may a change come that
 * follows one in a large cluster.
 */
const lull = 500
/** Milliseconds. What follows within this is read at once: a server that has more to say is not kept waiting. */
const silence = 10
const firstBackOff = 800
const longestBackOff = 30_000
/**
 * Milliseconds. The server is well where a watch was open so long, and that it was cut is no trouble to wait out: proxies
 * on the way may cut each after a minute.
 */
const proven = 10_000
/** So long without trouble, and the trouble before is forgotten. */
const calm = Duration.toMillis(Duration.minutes(2))

export const make = Effect.fnUntraced(function* <A, Index extends string>(
  options: Options<A, Index>
): Effect.fn.Return<Store<A, Index>, never, Kubernetes> {
  const kubernetes = yield* Kubernetes
  const mirror = Mirror.make(options)
  const ready = yield* Latch.make(false)
  const { fields, resource } = options
  const selection = {
    fields,
    ...(options.labelSelector === undefined ? {} : { labelSelector: options.labelSelector })
  }
  // Also of what comes whole, as the reply of a write does: the same state must look the same.
  const decode = (raw: Raw): A => options.decode(project(raw, fields) as Raw)
  let isCurrent = false
  /** Where the watch goes on; undefined: list first. */
  let version: string | undefined
  /** When the server accepted the last watch; undefined: not yet. */
  let openSince: number | undefined

  /** Everything there is, and the version it was there at; the mirror is as it was. */
  const listAll = Effect.gen(function* () {
    const objects: Array<A> = []
    let next: string | undefined
    let listVersion = ""
    do {
      const page = yield* kubernetes.list(resource, {
        ...selection,
        limit: pageSize,
        ...(next === undefined ? {} : { continue: next })
      })
      for (const raw of page.items) objects.push(decode(raw))
      next = page.continue
      listVersion = page.resourceVersion
    } while (next !== undefined)
    return { objects, listVersion }
  })

  const list = Effect.gen(function* () {
    const { listVersion, objects } = yield* listAll
    mirror.replace(objects, listVersion)
    version = listVersion
    isCurrent = true
  })

  const refresh = Effect.gen(function* () {
    const { listVersion, objects } = yield* listAll
    // What went before our first list would be there again, and nothing would tell that it is gone.
    const isBehind = version !== undefined && Mirror.isOlder(listVersion, version)
    if (!isBehind) mirror.replace(objects, listVersion)
  })

  /** Changes that were told so far. */
  let told = 0
  mirror.onChange(() => {
    told += 1
  })

  /** Whether it was a new version of an object that decides nothing, as a heartbeat is. */
  const take = (event: WatchEvent): boolean => {
    if (event.type === "BOOKMARK") {
      version = event.resourceVersion
      return false
    }
    const object = decode(event.object)
    const before = told
    if (event.type === "DELETED") mirror.remove(object)
    else mirror.put(object)
    version = options.identity(object).resourceVersion
    return told === before && mirror.get(options.key(object)) === object
  }

  const watch = (from: string) =>
    Effect.gen(function* () {
      const timeoutSeconds = yield* Random.nextIntBetween(watchSeconds[0], watchSeconds[1])
      const clock = yield* Clock.Clock
      const now = () => clock.currentTimeMillisUnsafe()
      let readAt = now()
      let beatAt = Number.NEGATIVE_INFINITY
      openSince = undefined
      const onOpen = () => {
        openSince = now()
        // A quiet watch may bring nothing, not even a bookmark, before a proxy cuts it.
        isCurrent = true
        ready.openUnsafe()
      }
      yield* kubernetes.watch(resource, { ...selection, resourceVersion: from, timeoutSeconds, onOpen }).pipe(
        Stream.runForEachArray((events) =>
          Effect.suspend(() => {
            isCurrent = true
            let isBeat = true
            for (const event of events) isBeat = take(event) && isBeat
            const isLull = isBeat && now() - readAt >= silence && now() - beatAt < lull
            return Effect.andThen(
              isLull ? Effect.sleep(lull) : Effect.void,
              Effect.sync(() => {
                readAt = now()
                if (isBeat) beatAt = readAt
              })
            )
          })
        )
      )
    })

  const run = Effect.gen(function* () {
    let troubles = 0
    let lastTrouble = 0
    /** Without a watch that lived in between: a list that expires at once, again and again, is trouble. */
    let expiries = 0
    /** The version that the last watch came to and failed at: where the next fails there as well, it may be why. */
    let failedAt: string | undefined
    for (;;) {
      const began = yield* Clock.currentTimeMillis
      const from = version
      const result = yield* Effect.result(from === undefined ? list : watch(from))
      const now = yield* Clock.currentTimeMillis
      const failure = result._tag === "Failure" ? result.failure : undefined
      const reason = failure?.reason._tag
      // One that ended at once has brought nothing of what the list may lack.
      const isShort = from !== undefined && now - began < 1000
      const wasOpen = from !== undefined && openSince !== undefined && now - openSince >= proven
      const isCut = wasOpen && reason === "Unreachable"
      if (failure !== undefined || isShort) ready.closeUnsafe()
      if (from !== undefined && now - began >= 1000) expiries = 0
      if (reason === "Expired") expiries += 1
      if (failure === undefined) {
        isCurrent = true
        // A watch that ends at once, again and again, is trouble too, whatever it says.
        if (from === undefined || now - began >= 1000) {
          failedAt = undefined
          continue
        }
      } else if (reason === "Expired") {
        yield* Effect.logInfo(`${resource.plural}: the version to watch from has expired, listing again`)
        version = undefined
        // The server is well enough to say so, whatever trouble there was before.
        if (expiries === 1) continue
      } else if (isCut && now - began >= calm) {
        yield* Effect.logDebug(`${resource.plural}: ${failure.message}`)
        continue
      } else {
        isCurrent = false
        yield* Effect.logWarning(`${resource.plural}: ${failure.message}`)
      }
      if (failure === undefined || mayBeOfVersion(failure)) {
        if (version !== undefined && version === failedAt) {
          yield* Effect.logInfo(`${resource.plural}: no watch goes on from the version, listing again`)
          version = undefined
        }
        failedAt = version
      }
      if (!isCut) {
        troubles = now - lastTrouble >= calm ? 0 : troubles + 1
        lastTrouble = now
      }
      yield* Effect.sleep(yield* backOff(isCut ? 0 : troubles, failure))
    }
  })

  return {
    get: mirror.get,
    all: mirror.all,
    size: mirror.size,
    find: mirror.find,
    accept: (raw) => {
      const object = decode(raw)
      return mirror.put(object) ?? object
    },
    forget: mirror.forget,
    onChange: mirror.onChange,
    refresh,
    run: run as Effect.Effect<never>,
    ready: ready.await,
    isCurrent: () => isCurrent
  }
})

/**
 * Whether a watch that failed so may fail for the version that it was to go on from: an event there that cannot be read,
 * or served. An outage, or a refusal of everything, is no reason to list again.
 */
const mayBeOfVersion = ({ reason }: KubernetesError): boolean => {
  switch (reason._tag) {
    case "Unreachable":
    case "TooManyRequests":
    case "Forbidden":
      return false
    default:
      return true
  }
}

/** 0.8 s doubling to 30 s, half of it left to chance; never less than the server asked for. */
const backOff = Effect.fnUntraced(function* (troubles: number, error: KubernetesError | undefined) {
  const random = yield* Random.next
  const full = Math.min(longestBackOff, firstBackOff * 2 ** Math.min(troubles, 16))
  const asked = error?.reason._tag === "TooManyRequests" ? error.reason.retryAfterMillis : 0
  return Duration.millis(Math.ceil(Math.max(asked, full * (0.5 + random / 2))))
})
