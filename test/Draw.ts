/**
 * Choices by chance that can be made again: a seed gives the same choices.
 * Rule: only what is chosen is repeated; how processes interleave is up to the machine.
 */

/** From 0 (included) to 1 (excluded): mulberry32, by Tommy Ettinger, in the public domain. */
export const generator = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

export interface Draw {
  /** An integer from 0 to `below`, excluded. */
  readonly below: (below: number) => number
  readonly among: <A>(values: ReadonlyArray<A>) => A | undefined
}

export const make = (seed: number): Draw => {
  const next = generator(seed)
  const below = (n: number) => Math.floor(next() * n)
  return { below, among: (values) => values[below(values.length)] }
}
