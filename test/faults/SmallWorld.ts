/**
 * Every order of delivery in a world of two nodes.
 * Rule: in each window of so many deliveries, every order of them; before and after it the oldest comes first. Windows
 * lie end to end over the whole run, and each order is tried once.
 */
import { type Case, check } from "./Enumerate.ts"
import { type Choice, delivery, type Run } from "./Run.ts"
import { smallWorld } from "./Workload.ts"

/** A run that was made to learn how many ways it branches. */
export interface Made extends Case {
  readonly made: Run
  /** Windows begun by its part. */
  readonly units: number
}

const choiceOf = (start: number, chosen: ReadonlyArray<number>): Choice =>
  new Map(chosen.flatMap((which, i) => (which === 0 ? [] : [[start + i, delivery(which)] as const])))

/** All that begins with these deliveries, from that one on. */
const from = function* (
  start: number,
  depth: number,
  chosen: ReadonlyArray<number>,
  units: number
): Generator<Made> {
  const choice = choiceOf(start, chosen)
  const made = check(smallWorld, choice, { skipRest: true })
  yield { workload: smallWorld, choice, made, units }
  for (let i = chosen.length; i < depth; i++) {
    const oldest = Array.from({ length: i - chosen.length }, () => 0)
    for (let which = 1; which < (made.branching[start + i] ?? 0); which++) {
      yield* from(start, depth, [...chosen, ...oldest, which], units)
    }
  }
}

const deliveries = (): number => check(smallWorld, new Map(), { skipRest: true }).branching.length

/** How many windows of that many deliveries there are. */
export const windows = (depth: number): number => Math.ceil(deliveries() / depth)

/** Windows are dealt out to the parts in turn. */
export const orders = function* (depth: number, part: number, parts: number): Generator<Made> {
  const all = windows(depth)
  let units = 0
  for (let n = part; n < all; n += parts) {
    units += 1
    yield* from(n * depth, depth, [], units)
  }
}
