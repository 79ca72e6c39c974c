/**
 * The objects of one resource in memory, with their indexes.
 * Rule: per object only the newest state counts, whoever brings it: a list, a watch event or the reply of our own
 * write; a deletion is told, and the same name with another UID is a deletion and a creation. Gone is a state like any
 * other, of a version: a newer one ends it.
 */
export interface Change<A> {
  readonly key: string
  readonly before: A | undefined
  readonly after: A | undefined
}

export interface Options<A, Index extends string> {
  readonly key: (a: A) => string
  readonly identity: (a: A) => { readonly uid: string; readonly resourceVersion: string }
  /** Equal for every decision, and found under the same values: not told. */
  readonly isSame: (a: A, b: A) => boolean
  readonly indexes: { readonly [I in Index]: (a: A) => ReadonlyArray<string> }
}

export interface Mirror<A, Index extends string> {
  readonly get: (key: string) => A | undefined
  readonly all: () => Iterable<A>
  readonly size: () => number
  readonly find: (index: Index, value: string) => ReadonlyArray<A>
  /** A state of an object; an older one than is known is passed over. What is known afterwards. */
  readonly put: (a: A) => A | undefined
  /** A DELETED event, with the last state and the version of the deletion. */
  readonly remove: (a: A) => void
  /** Gone, as a 404 says: since a version that is not known, at least the one that is held. */
  readonly forget: (key: string, uid: string) => void
  /** A complete list at a version: what is older than it and not in it was deleted. */
  readonly replace: (all: ReadonlyArray<A>, version: string) => void
  readonly onChange: (listener: (change: Change<A>) => void) => void
}

/**
 * Whether version `a` is older than `b`. Versions are opaque by contract; decimal ones are compared, as
 * Kubernetes 1.35 documents them to be comparable; of others the later arrival counts.
 */
export const isOlder = (a: string, b: string): boolean => {
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return false
  return a.length === b.length ? a < b : a.length < b.length
}

/** More keys than this under one value are a set. */
const fewKeys = 8

/** Keys by value. Nearly every value has one key or a few: a set costs more than what it holds. */
const makeIndex = () => {
  const keysByValue = new Map<string, string | ReadonlyArray<string> | Set<string>>()
  const keysOf = (value: string): ReadonlyArray<string> | ReadonlySet<string> => {
    const keys = keysByValue.get(value)
    return keys === undefined ? [] : typeof keys === "string" ? [keys] : keys
  }
  return {
    keysOf: (value: string): Iterable<string> => keysOf(value),
    add: (value: string, key: string): void => {
      const keys = keysByValue.get(value)
      if (keys === undefined) keysByValue.set(value, key)
      else if (keys instanceof Set) keys.add(key)
      else {
        const few = typeof keys === "string" ? [keys] : keys
        if (few.includes(key)) return
        keysByValue.set(value, few.length < fewKeys ? [...few, key] : new Set([...few, key]))
      }
    },
    remove: (value: string, key: string): void => {
      const keys = keysByValue.get(value)
      if (keys instanceof Set) {
        keys.delete(key)
        if (keys.size === 0) keysByValue.delete(value)
        return
      }
      const left = (typeof keys === "string" ? [keys] : (keys ?? [])).filter((k) => k !== key)
      const [first] = left
      if (first === undefined) keysByValue.delete(value)
      else keysByValue.set(value, left.length === 1 ? first : left)
    }
  }
}

/** Deleted objects that are remembered, so that a late event of one does not bring it back. */
const graveyard = 10_000

export const make = <A, Index extends string>(options: Options<A, Index>): Mirror<A, Index> => {
  const objects = new Map<string, A>()
  const indexNames = Object.keys(options.indexes) as Array<Index>
  const indexes = new Map(indexNames.map((name) => [name, makeIndex()]))
  /**
   * By UID, the version at which it was gone. Not for ever: a watch with a selector brings a DELETED of an object whose
   * label is taken off, and an ADDED with the same UID where it is put back (apiserver's cacher, convertToWatchEvent).
   */
  const goneAt = new Map<string, string>()
  const listeners: Array<(change: Change<A>) => void> = []

  const reindex = (key: string, before: A | undefined, after: A | undefined): void => {
    for (const name of indexNames) {
      const index = indexes.get(name)
      if (index === undefined) continue
      const was = before === undefined ? [] : options.indexes[name](before)
      const is = after === undefined ? [] : options.indexes[name](after)
      for (const value of was) if (!is.includes(value)) index.remove(value, key)
      for (const value of is) index.add(value, key)
    }
  }

  const set = (key: string, after: A | undefined): void => {
    const before = objects.get(key)
    if (after === undefined) objects.delete(key)
    else objects.set(key, after)
    if (before !== undefined && after !== undefined && options.isSame(before, after)) return
    reindex(key, before, after)
    for (const listener of listeners) listener({ key, before, after })
  }

  const bury = (uid: string, version: string): void => {
    const before = goneAt.get(uid)
    if (before !== undefined && isOlder(version, before)) return
    if (goneAt.size >= graveyard) {
      const [oldest] = goneAt.keys()
      if (oldest !== undefined) goneAt.delete(oldest)
    }
    goneAt.set(uid, version)
  }

  const drop = (key: string, a: A, version: string): void => {
    bury(options.identity(a).uid, version)
    set(key, undefined)
  }

  const put = (a: A): A | undefined => {
    const key = options.key(a)
    const known = objects.get(key)
    const { resourceVersion, uid } = options.identity(a)
    const end = goneAt.get(uid)
    if (end !== undefined) {
      if (!isOlder(end, resourceVersion)) return known
      goneAt.delete(uid)
    }
    if (known === undefined) {
      set(key, a)
      return a
    }
    const held = options.identity(known)
    if (isOlder(resourceVersion, held.resourceVersion)) return known
    if (held.uid !== uid) {
      drop(key, known, resourceVersion)
    } else if (held.resourceVersion === resourceVersion) {
      return known
    }
    set(key, a)
    return a
  }

  return {
    get: (key) => objects.get(key),
    all: () => objects.values(),
    size: () => objects.size,
    find: (index, value) => {
      const found: Array<A> = []
      for (const key of indexes.get(index)?.keysOf(value) ?? []) {
        const a = objects.get(key)
        if (a !== undefined) found.push(a)
      }
      return found
    },
    put,
    remove: (a) => {
      const key = options.key(a)
      const known = objects.get(key)
      const { resourceVersion, uid } = options.identity(a)
      if (known === undefined || options.identity(known).uid !== uid) {
        bury(uid, resourceVersion)
        return
      }
      // The event carries the version of the deletion; one that is older than what we hold is of an earlier life.
      if (isOlder(resourceVersion, options.identity(known).resourceVersion)) return
      drop(key, known, resourceVersion)
    },
    forget: (key, uid) => {
      const known = objects.get(key)
      if (known === undefined) return
      const held = options.identity(known)
      if (held.uid === uid) drop(key, known, held.resourceVersion)
    },
    replace: (all, version) => {
      const listed = new Map(all.map((a) => [options.key(a), a]))
      for (const [key, known] of objects) {
        const now = listed.get(key)
        if (now !== undefined) continue
        // Our own write after the list was made is not undone by the list.
        if (isOlder(version, options.identity(known).resourceVersion)) continue
        drop(key, known, version)
      }
      for (const a of all) {
        // Alive by a list that is as new as what said that it was gone, though its own state may be older.
        const { uid } = options.identity(a)
        const end = goneAt.get(uid)
        if (end !== undefined && !isOlder(version, end)) goneAt.delete(uid)
        put(a)
      }
    },
    onChange: (listener) => {
      listeners.push(listener)
    }
  }
}
