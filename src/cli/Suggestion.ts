/**
 * Which known word a mistyped one was meant to be.
 * Rule: no suggestion is better than a wild one: at most a third of the letters may differ.
 */

/** Levenshtein distance, one row at a time. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

export const nearest = (word: string, known: Iterable<string>): string | undefined => {
  // A long word is no slip of the finger, and the distance is quadratic.
  if (word.length > 64) return undefined
  let best: { readonly name: string; readonly away: number } | undefined
  for (const name of known) {
    const away = distance(word, name)
    if (away <= name.length / 3 && (best === undefined || away < best.away)) best = { name, away }
  }
  return best?.name
}
