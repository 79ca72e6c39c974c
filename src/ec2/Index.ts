/**
 * Ids by a word they share: which addresses carry this name, which groups belong to that node.
 * Rule: kept beside a mirror by telling it of every change; answers are sorted, so that they are the same on
 * every run.
 */
export interface Index {
  /** The thing had one word and has another; undefined: none. */
  readonly move: (id: string, before: string | undefined, after: string | undefined) => void
  readonly idsOf: (word: string) => ReadonlyArray<string>
}

export const make = (): Index => {
  const idsByWord = new Map<string, Set<string>>()
  return {
    move: (id, before, after) => {
      if (before === after) return
      if (before !== undefined) {
        const ids = idsByWord.get(before)
        ids?.delete(id)
        if (ids?.size === 0) idsByWord.delete(before)
      }
      if (after !== undefined) idsByWord.set(after, (idsByWord.get(after) ?? new Set()).add(id))
    },
    idsOf: (word) => [...(idsByWord.get(word) ?? [])].toSorted()
  }
}
