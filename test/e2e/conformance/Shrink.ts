/**
 * From a long sequence that shows something to the shortest found that still shows it.
 * Rule: the order of what stays is kept; nothing can be left out of the result alone without losing what it shows.
 */
import { Effect } from "effect"

/** `shows` of the whole sequence is taken to be true. */
export const shrink = Effect.fnUntraced(function* <A, E, R>(
  sequence: ReadonlyArray<A>,
  shows: (part: ReadonlyArray<A>) => Effect.Effect<boolean, E, R>
): Effect.fn.Return<ReadonlyArray<A>, E, R> {
  let kept = sequence
  let size = Math.ceil(kept.length / 2)
  while (size >= 1) {
    let isShorter = false
    for (let at = 0; at < kept.length; ) {
      const part = kept.toSpliced(at, size)
      if (part.length > 0 && (yield* shows(part))) {
        kept = part
        isShorter = true
      } else at += size
    }
    // Without what is gone now, something before it may be of no more use.
    size = size === 1 && isShorter ? 1 : size === 1 ? 0 : Math.ceil(size / 2)
  }
  return kept
})
