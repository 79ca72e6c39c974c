/**
 * What is believed of things in EC2 that we write and read: EC2's answers lag behind its deeds.
 * Rule: the reply of our own write beats every read that contradicts it and began before the visibility window
 * after it was over; a later read wins. A write of unknown outcome beats nothing: the first read that begins after
 * it decides, and no later read is doubted for its sake. Where it can have changed a part only, that part is as each
 * read shows it from then on, until all of them must show it, and the rest is believed as before.
 */
import { Duration } from "effect"

/** How long a result may stay invisible to describes ("Eventual consistency in the Amazon EC2 API"). */
export const visibilityWindow = Duration.minutes(2)
const windowMillis = Duration.toMillis(visibilityWindow)

/**
 * Whether a write that ended then is to be believed against a read that contradicts it: one that began before the
 * write was sure to be visible, however long it took.
 */
export const outweighs = (wroteAt: number, readBegan: number): boolean =>
  wroteAt > 0 && readBegan - wroteAt < windowMillis

export interface Trust {
  /** Epoch milliseconds when the describe that last confirmed it began; 0: known from a write's reply only. */
  readonly readBegan: number
  /** Epoch milliseconds when our last write to it ended; 0: never, or a read decided what became of it. */
  readonly wroteAt: number
  /** Epoch milliseconds when a reply to a write of ours last proved that it exists; 0: never. */
  readonly existedAt: number
  /** A write had no clear answer: a read that begins later decides. */
  readonly isUncertain: boolean
  /**
   * Epoch milliseconds when a write ended that may have changed a part of it and had no clear answer; 0: none, or one
   * that every read shows by now. Until then the part is as the last read showed it.
   */
  readonly doubtedAt: number
}

/** A read has shown it as it was last left, in all its parts. */
export const isConfirmed = (t: Trust): boolean =>
  !t.isUncertain &&
  t.readBegan > t.wroteAt &&
  (t.doubtedAt === 0 || t.readBegan - t.doubtedAt >= windowMillis)

export interface Change<A> {
  readonly before: A | undefined
  readonly after: A | undefined
}

/** So many doubtful writes one after the other are told apart; after more, the whole is in doubt. */
const mostParts = 16

/** What is believed after a doubtful write, of what was believed before it and what the read that decides shows. */
export type Settle<A> = (believed: A, read: A) => A

/** Things of one kind by id. A record is the same object for as long as nothing is learnt of the thing. */
export interface Mirror<A> {
  readonly get: (id: string) => (A & Trust) | undefined
  readonly values: () => Iterable<A & Trust>
  /** We deleted it, and EC2 said so. */
  readonly isDeleted: (id: string) => boolean
  /** Our own write, as its reply tells it. */
  readonly wrote: (value: A, now: number) => void
  /** Our own deletion. */
  readonly deleted: (id: string, now: number) => void
  /** A write had no clear answer. `settle`: where it can have changed a part only. */
  readonly doubt: (id: string, now: number, settle?: Settle<A>) => void
  /** One thing as a describe that began then shows it; undefined: it does not show it. */
  readonly saw: (id: string, value: A | undefined, began: number) => void
  /** All things a describe of everything shows: what is not among them is gone. */
  readonly sawAll: (values: ReadonlyArray<A>, began: number) => void
}

export interface Options<A> {
  readonly id: (value: A) => string
  /** The same for every decision. */
  readonly isSame: (a: A, b: A) => boolean
  /** `isForeign`: a read showed it otherwise than it was known, and the difference is not of our making. */
  readonly onChange: (change: Change<A & Trust>, isForeign: boolean) => void
  /** Within reach of the describe of everything that `sawAll` stands for. */
  readonly isCovered: (value: A) => boolean
}

export const make = <A extends object>({ id, isCovered, isSame, onChange }: Options<A>): Mirror<A> => {
  const entries = new Map<string, A & Trust>()
  /** When we deleted it, oldest first: a describe may show it a while longer. */
  const tombstones = new Map<string, number>()
  /** Doubtful writes that can have changed a part only: when the last one ended, and how a read is taken after them. */
  const partial = new Map<
    string,
    { readonly at: number; readonly settle: Settle<A>; readonly count: number }
  >()

  const put = (value: A, trust: Trust, isRead: boolean): void => {
    const key = id(value)
    const before = entries.get(key)
    const after = { ...value, ...trust }
    entries.set(key, after)
    const differs = before === undefined || !isSame(before, value)
    const isNews =
      differs ||
      before.isUncertain !== trust.isUncertain ||
      // Somebody may wait for the read that confirms a write.
      isConfirmed(before) !== isConfirmed(trust)
    if (isNews) onChange({ before, after }, isRead && before !== undefined && differs)
  }

  const remove = (key: string, isRead: boolean): void => {
    const before = entries.get(key)
    if (before === undefined) return
    entries.delete(key)
    partial.delete(key)
    onChange({ before, after: undefined }, isRead)
  }

  const didSee = (value: A, began: number): void => {
    const key = id(value)
    const buriedAt = tombstones.get(key)
    if (buriedAt !== undefined) {
      if (outweighs(buriedAt, began)) return
      tombstones.delete(key)
    }
    const record = entries.get(key)
    if (record === undefined) {
      put(value, { readBegan: began, wroteAt: 0, existedAt: 0, isUncertain: false, doubtedAt: 0 }, true)
      return
    }
    const { existedAt, wroteAt } = record
    if (began < record.readBegan) return
    const doubt = partial.get(key)
    if (doubt !== undefined) {
      if (began <= doubt.at) return
      if (outweighs(doubt.at, began)) {
        const settled = outweighs(wroteAt, began) ? doubt.settle(record, value) : value
        // What the read lacks of it is for another read to confirm.
        const readBegan = isSame(settled, value) ? began : record.readBegan
        put(settled, { readBegan, wroteAt, existedAt, isUncertain: false, doubtedAt: doubt.at }, false)
        return
      }
      partial.delete(key)
    }
    const isLater = began > wroteAt
    const read: Trust = { readBegan: began, wroteAt, existedAt, isUncertain: false, doubtedAt: 0 }
    if (record.isUncertain) {
      if (isLater) put(value, { ...read, wroteAt: 0 }, false)
    } else if (isSame(record, value)) {
      if (isLater) put(value, read, false)
    } else if (!outweighs(wroteAt, began)) {
      put(value, read, true)
    }
  }

  const didNotSee = (key: string, began: number): void => {
    const record = entries.get(key)
    if (record === undefined) return
    const { existedAt, readBegan, wroteAt } = record
    const doubt = partial.get(key)
    if (began < readBegan || began <= Math.max(wroteAt, doubt?.at ?? 0)) return
    if (!outweighs(existedAt, began)) {
      remove(key, !record.isUncertain)
    } else if (record.isUncertain) {
      // What was made just now may be invisible still; the doubtful write to it is asked after once only.
      const trust = { readBegan, existedAt, isUncertain: false, doubtedAt: record.doubtedAt }
      put(record, { ...trust, wroteAt: doubt === undefined ? 0 : wroteAt }, false)
    }
  }

  return {
    get: (key) => entries.get(key),
    values: () => entries.values(),
    isDeleted: (key) => tombstones.has(key),
    wrote: (value, now) => {
      const key = id(value)
      tombstones.delete(key)
      const before = entries.get(key)
      // Of two writes at once one may be in doubt: the answer to the other says nothing of it.
      if (before?.isUncertain !== true) partial.delete(key)
      const doubtedAt = partial.get(key)?.at ?? 0
      const trust = { readBegan: before?.readBegan ?? 0, wroteAt: now, existedAt: now }
      put(value, { ...trust, isUncertain: doubtedAt > 0, doubtedAt }, false)
    },
    deleted: (key, now) => {
      for (const [oldest, at] of tombstones) {
        if (now - at < 2 * windowMillis) break
        tombstones.delete(oldest)
      }
      tombstones.delete(key)
      tombstones.set(key, now)
      remove(key, false)
    },
    doubt: (key, now, settle) => {
      const record = entries.get(key)
      if (record === undefined) return
      const { existedAt, isUncertain, readBegan, wroteAt } = record
      const before = partial.get(key)
      // Of all that is in doubt already, a part cannot be told from the rest.
      const isWhole = settle === undefined || (isUncertain && before === undefined)
      if (isWhole || (before?.count ?? 0) >= mostParts) {
        partial.delete(key)
        put(record, { readBegan, wroteAt: now, existedAt, isUncertain: true, doubtedAt: 0 }, false)
        return
      }
      const settleBoth: Settle<A> = (believed, read) =>
        settle(before?.settle(believed, read) ?? believed, read)
      partial.set(key, { at: now, settle: settleBoth, count: (before?.count ?? 0) + 1 })
      put(record, { readBegan, wroteAt, existedAt, isUncertain: true, doubtedAt: now }, false)
    },
    saw: (key, value, began) => {
      if (value === undefined) didNotSee(key, began)
      else didSee(value, began)
    },
    sawAll: (values, began) => {
      const shown = new Set(values.map(id))
      for (const value of values) didSee(value, began)
      for (const [key, record] of entries) {
        if (!shown.has(key) && isCovered(record)) didNotSee(key, began)
      }
    }
  }
}
