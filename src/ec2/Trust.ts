/**
 * What is believed of a thing in EC2 that we write and read: EC2's answers lag behind its deeds.
 * Rule: the reply of our own write beats every read that began before it ended, and for the visibility window
 * every read that contradicts it; after that the read wins. A write of unknown outcome beats nothing.
 */
import { Duration } from "effect"

/** How long a result may stay invisible to describes ("Eventual consistency in the Amazon EC2 API"). */
export const visibilityWindow = Duration.minutes(2)
const windowMillis = Duration.toMillis(visibilityWindow)

export interface Trust {
  /** Epoch milliseconds when the describe that last confirmed it began; 0: known from a write's reply only. */
  readonly readBegan: number
  /** Epoch milliseconds when our last write to it ended; 0: never. */
  readonly wroteAt: number
  /** A write had no clear answer: a read that begins later decides. */
  readonly isUncertain: boolean
}

interface Entry<A> {
  readonly value: A
  readonly trust: Trust
}

export interface Change<A> {
  readonly before: A | undefined
  readonly after: A | undefined
}

export interface Mirror<A> {
  readonly get: (id: string) => (A & Trust) | undefined
  readonly values: () => Iterable<A & Trust>
  /** We deleted it, and EC2 said so. */
  readonly isDeleted: (id: string) => boolean
  /** Our own write, as its reply tells it. */
  readonly wrote: (value: A, now: number) => void
  /** Our own deletion. */
  readonly deleted: (id: string, now: number) => void
  readonly doubt: (id: string, now: number) => void
  /** One thing as a describe that began then shows it; undefined: it does not show it. */
  readonly saw: (id: string, value: A | undefined, began: number, now: number) => void
  /** All things a describe of everything shows: what is not among them is gone. */
  readonly sawAll: (values: ReadonlyArray<A>, began: number, now: number) => void
}

export interface Options<A> {
  readonly id: (value: A) => string
  /** The same for every decision. */
  readonly isSame: (a: A, b: A) => boolean
  readonly onChange: (change: Change<A & Trust>, isForeign: boolean) => void
  /** Kept out of `sawAll`'s reach: things that a describe of everything does not cover. */
  readonly isCovered: (value: A) => boolean
}

export const make = <A extends object>({ id, isCovered, isSame, onChange }: Options<A>): Mirror<A> => {
  const entries = new Map<string, Entry<A>>()
  /** When we deleted it: a describe may show it a while longer. */
  const tombstones = new Map<string, number>()

  const view = (entry: Entry<A> | undefined): (A & Trust) | undefined =>
    entry === undefined ? undefined : cached(entry)
  // One object per entry: whoever holds a record can compare it.
  const views = new WeakMap<Entry<A>, A & Trust>()
  const cached = (entry: Entry<A>): A & Trust => {
    const known = views.get(entry)
    if (known !== undefined) return known
    const made = { ...entry.value, ...entry.trust }
    views.set(entry, made)
    return made
  }

  const put = (value: A, trust: Trust, isForeign: boolean): void => {
    const key = id(value)
    const before = entries.get(key)
    const after: Entry<A> = { value, trust }
    entries.set(key, after)
    const isNews =
      before === undefined ||
      !isSame(before.value, value) ||
      before.trust.isUncertain !== trust.isUncertain ||
      // Somebody may wait for a read that confirms a write.
      isConfirmed(before.trust) !== isConfirmed(trust)
    if (isNews) onChange({ before: view(before), after: view(after) }, isForeign && before !== undefined && !isSame(before.value, value))
  }

  const remove = (key: string, isForeign: boolean): void => {
    const before = entries.get(key)
    if (before === undefined) return
    entries.delete(key)
    onChange({ before: view(before), after: undefined }, isForeign)
  }

  const isConfirmed = (t: Trust): boolean => !t.isUncertain && t.readBegan > t.wroteAt

  const isFresh = (t: Trust, began: number, now: number): boolean =>
    t.wroteAt > 0 && (began <= t.wroteAt || now - t.wroteAt < windowMillis)

  const sawOne = (value: A, began: number, now: number): void => {
    const key = id(value)
    const buried = tombstones.get(key)
    if (buried !== undefined) {
      if (began <= buried || now - buried < windowMillis) return
      tombstones.delete(key)
    }
    const known = entries.get(key)
    const read: Trust = { readBegan: began, wroteAt: known?.trust.wroteAt ?? 0, isUncertain: false }
    if (known === undefined) return put(value, read, true)
    if (began < known.trust.readBegan) return
    if (known.trust.isUncertain) {
      if (began > known.trust.wroteAt) put(value, read, false)
      return
    }
    if (isSame(known.value, value)) {
      if (began > known.trust.wroteAt) put(value, read, false)
      return
    }
    if (!isFresh(known.trust, began, now)) put(value, read, true)
  }

  const didNotSee = (key: string, began: number, now: number): void => {
    const known = entries.get(key)
    if (known === undefined) return
    // A doubted thing that is not shown may be invisible still: nothing is forgotten inside the window.
    if (isFresh(known.trust, began, now) || began < known.trust.readBegan) {
      if (known.trust.isUncertain && began > known.trust.wroteAt) {
        put(known.value, { ...known.trust, isUncertain: false }, false)
      }
      return
    }
    remove(key, true)
  }

  return {
    get: (key) => view(entries.get(key)),
    values: function* () {
      for (const entry of entries.values()) yield cached(entry)
    },
    isDeleted: (key) => tombstones.has(key),
    wrote: (value, now) => {
      const key = id(value)
      tombstones.delete(key)
      const known = entries.get(key)
      put(value, { readBegan: known?.trust.readBegan ?? 0, wroteAt: now, isUncertain: false }, false)
    },
    deleted: (key, now) => {
      for (const [other, at] of tombstones) if (now - at > 2 * windowMillis) tombstones.delete(other)
      tombstones.set(key, now)
      remove(key, false)
    },
    doubt: (key, now) => {
      const known = entries.get(key)
      if (known === undefined) return
      put(known.value, { ...known.trust, wroteAt: now, isUncertain: true }, false)
    },
    saw: (key, value, began, now) => {
      if (value === undefined) didNotSee(key, began, now)
      else sawOne(value, began, now)
    },
    sawAll: (values, began, now) => {
      const shown = new Set(values.map(id))
      for (const value of values) sawOne(value, began, now)
      for (const [key, entry] of entries) {
        if (!shown.has(key) && isCovered(entry.value)) didNotSee(key, began, now)
      }
    }
  }
}
