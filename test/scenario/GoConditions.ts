/**
 * Conditions as the Go implementation 0.14 leaves them.
 * Rule: the reason of one that holds is its type.
 */

/** When everything of its making was written. */
export const leftAt = "2024-01-01T00:00:00Z"

/** Each of these types, True. */
export const held = (...types: ReadonlyArray<string>) =>
  types.map((type) => ({
    type,
    status: "True",
    reason: type,
    message: "as it should be",
    observedGeneration: 1,
    lastTransitionTime: leftAt
  }))
