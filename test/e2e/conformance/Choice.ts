/**
 * Choices that generated sequences are made of.
 * Rule: pure; each takes what it needs from the draw and nothing more.
 */
import type { Draw } from "../../Draw.ts"

/** One of a list that is not empty. */
export const one = <A>(draw: Draw, values: ReadonlyArray<A>): A => {
  const value = draw.among(values)
  if (value === undefined) throw new Error("nothing to choose among")
  return value
}

export const chance = (draw: Draw, percent: number): boolean => draw.below(100) < percent

/** Each as often as its weight says. */
export const weighed = <A>(draw: Draw, choices: ReadonlyArray<readonly [number, A]>): A =>
  one(
    draw,
    choices.flatMap(([weight, value]) => Array.from({ length: weight }, () => value))
  )
