/**
 * Which associations are known only as EC2 shows what an earlier process left.
 * Rule: EC2's answers lag behind its deeds by up to the visibility window, and whoever did the deed is gone. Until a read
 * that began after the window, or a write of this process, what is shown of where an address is proves nothing.
 */
import { Duration } from "effect"
import { visibilityWindow } from "./Trust.ts"

const windowMillis = Duration.toMillis(visibilityWindow)

export interface Inheritance {
  /** From now on (epoch milliseconds) nobody but this process writes. */
  readonly begin: (now: number) => void
  /** The address was allocated here, or an association of it was written or ended here, and EC2 said so. */
  readonly settled: (allocationId: string) => void
  /** The address is gone. */
  readonly forget: (allocationId: string) => void
  /** @param readBegan when the read began that last showed it, or did not (epoch milliseconds) */
  readonly includes: (allocationId: string, readBegan: number) => boolean
}

export const make = (): Inheritance => {
  let end = Number.POSITIVE_INFINITY
  const written = new Set<string>()
  return {
    begin: (now) => {
      end = now + windowMillis
    },
    settled: (allocationId) => {
      written.add(allocationId)
    },
    forget: (allocationId) => {
      written.delete(allocationId)
    },
    includes: (allocationId, readBegan) => readBegan < end && !written.has(allocationId)
  }
}
