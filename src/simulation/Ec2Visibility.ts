/**
 * One kind of EC2 resource, as it is and as describes show it.
 * Rule: a write counts at once for other writes; a describe shows it when its lag is over, and never goes back.
 * Source: "Eventual consistency in the Amazon EC2 API".
 */

interface Version<A> {
  /** Undefined: deleted. */
  readonly value: A | undefined
  readonly visibleAt: number
}

export interface Lag {
  /** Until describes show the write, in milliseconds. */
  readonly visible: number
  /** Until a new id is known to other calls, in milliseconds. */
  readonly usable: number
}

/** All times are epoch milliseconds, and later calls never give an earlier one. */
export interface Versioned<A> {
  readonly put: (id: string, value: A | undefined, at: number, lag: Lag) => void
  readonly get: (id: string) => A | undefined
  readonly all: () => Iterable<A>
  readonly size: () => number
  readonly seen: (id: string, at: number) => A | undefined
  readonly allSeen: (at: number) => ReadonlyArray<A>
  /** Of everything that is, or that a describe may still show. */
  readonly ids: () => Iterable<string>
  /** What a call that names the id finds: nothing while the id is too new. */
  readonly named: (id: string, at: number) => A | undefined
}

export const make = <A>(): Versioned<A> => {
  const current = new Map<string, A>()
  /** Only of ids with a write that is not visible yet: what is shown now first, the newest last. */
  const unsettled = new Map<string, Array<Version<A>>>()
  const unusableUntil = new Map<string, number>()

  const seen = (id: string, at: number): A | undefined => {
    const history = unsettled.get(id)
    if (history === undefined) return current.get(id)
    const shown = history.findLastIndex((version) => version.visibleAt <= at)
    history.splice(0, shown)
    if (history.length === 1) unsettled.delete(id)
    return history[0]?.value
  }

  const ids = (): Iterable<string> =>
    unsettled.size === 0 ? current.keys() : new Set([...current.keys(), ...unsettled.keys()])

  return {
    put: (id, value, at, lag) => {
      const before = current.get(id)
      if (lag.visible <= 0) unsettled.delete(id)
      else {
        const history = unsettled.get(id) ?? [{ value: before, visibleAt: Number.NEGATIVE_INFINITY }]
        history.push({ value, visibleAt: at + lag.visible })
        unsettled.set(id, history)
      }
      if (value === undefined) {
        current.delete(id)
        unusableUntil.delete(id)
        return
      }
      if (before === undefined && lag.usable > 0) unusableUntil.set(id, at + lag.usable)
      current.set(id, value)
    },
    get: (id) => current.get(id),
    all: () => current.values(),
    size: () => current.size,
    seen,
    allSeen: (at) => {
      if (unsettled.size === 0) return [...current.values()]
      const shown: Array<A> = []
      for (const id of ids()) {
        const value = seen(id, at)
        if (value !== undefined) shown.push(value)
      }
      return shown
    },
    ids,
    named: (id, at) => {
      const until = unusableUntil.get(id)
      if (until !== undefined) {
        if (at < until) return undefined
        unusableUntil.delete(id)
      }
      return current.get(id)
    }
  }
}
