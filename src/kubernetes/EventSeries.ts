/**
 * What becomes of an event: a new one, one more of a series, or only counted.
 * Rule: pure decisions over bounded memory; a storm about one object costs the API server a trickle.
 * Source: client-go's event recorder (series within 6 min) and its spam filter (25 at once, then one in 5 min).
 */
import type { Publication, Regarding } from "./EventObject.ts"

const seriesMillis = 6 * 60_000
const burst = 25
const refillMillis = 5 * 60_000
/** Events and objects remembered. */
const memory = 1_000

export interface Series {
  /** Of the Event object that counts it. */
  readonly name: string
  readonly count: number
  readonly lastAt: number
}

export type Decision =
  | { readonly _tag: "Create"; readonly series: Series }
  /** The series is told to the Event that is there. */
  | { readonly _tag: "Patch"; readonly series: Series }
  /** Too many about this object: it is counted, and told with a later one if there is one. */
  | { readonly _tag: "Count"; readonly series: Series }
  | { readonly _tag: "Drop" }

interface Bucket {
  readonly tokens: number
  readonly at: number
}

/** Refilled up to `now`. */
const refilled = (bucket: Bucket | undefined, now: number): Bucket => {
  if (bucket === undefined) return { tokens: burst, at: now }
  const gained = Math.max(0, now - bucket.at) / refillMillis
  return { tokens: Math.min(burst, bucket.tokens + gained), at: now }
}

const remember = <A>(map: Map<string, A>, key: string, value: A): void => {
  // Set anew, so that the oldest is always the first.
  map.delete(key)
  map.set(key, value)
  if (map.size > memory) for (const oldest of map.keys()) return void map.delete(oldest)
}

const objectKey = (r: Regarding): string => `${r.kind}/${r.name}/${r.uid}`

/** Two events with another note are two pieces of news. */
const keyOf = (p: Publication): string =>
  JSON.stringify([objectKey(p.regarding), p.type, p.reason, p.action, p.note])

export interface Recorder {
  /** `name` is for the Event object, if a new one is made. `at` in epoch milliseconds. */
  readonly decide: (p: Publication, name: string, at: number) => Decision
  /** The Event is gone (it lives for an hour), or was never made: the next one is new. */
  readonly forget: (p: Publication) => void
}

export const makeRecorder = (): Recorder => {
  const recent = new Map<string, Series>()
  const buckets = new Map<string, Bucket>()

  const takeToken = (r: Regarding, now: number): boolean => {
    const bucket = refilled(buckets.get(objectKey(r)), now)
    const isAllowed = bucket.tokens >= 1
    remember(buckets, objectKey(r), isAllowed ? { ...bucket, tokens: bucket.tokens - 1 } : bucket)
    return isAllowed
  }

  return {
    decide: (p, name, at) => {
      const key = keyOf(p)
      const before = recent.get(key)
      const isAllowed = takeToken(p.regarding, at)
      if (before !== undefined && at - before.lastAt < seriesMillis) {
        const series = { name: before.name, count: before.count + 1, lastAt: at }
        remember(recent, key, series)
        return { _tag: isAllowed ? "Patch" : "Count", series }
      }
      if (!isAllowed) return { _tag: "Drop" }
      const series = { name, count: 1, lastAt: at }
      remember(recent, key, series)
      return { _tag: "Create", series }
    },
    forget: (p) => {
      recent.delete(keyOf(p))
    }
  }
}
