/**
 * Which associations are known only as EC2 shows what an earlier process left.
 * Rule: EC2's answers lag behind its deeds by up to the visibility window, and whoever did the deed is gone. Until a read
 * that began after the window, or a write of this process, what is shown of where an address is proves nothing. Who is told
 * so is told when it ends.
 */
import { Duration } from "effect"
import { visibilityWindow } from "./Trust.ts"

const windowMillis = Duration.toMillis(visibilityWindow)

export interface Inheritance {
  /** From now on (epoch milliseconds) nobody but this process writes. */
  readonly begin: (now: number) => void
  /** An association of that address was written or ended here, and EC2 said so. */
  readonly settled: (allocationId: string) => void
  /** The address is gone. */
  readonly forget: (allocationId: string) => void
  /** @param readBegan when the read began that last showed it, or did not (epoch milliseconds) */
  readonly includes: (allocationId: string, readBegan: number) => boolean
  /** Of those that were said to be included, the ones that are not any more; each once. */
  readonly ended: (readBegan: (allocationId: string) => number) => ReadonlyArray<string>
}

export const make = (): Inheritance => {
  let end = Number.POSITIVE_INFINITY
  const written = new Set<string>()
  const said = new Set<string>()
  const isIncluded = (allocationId: string, readBegan: number): boolean =>
    readBegan < end && !written.has(allocationId)
  return {
    begin: (now) => {
      end = now + windowMillis
    },
    settled: (allocationId) => {
      written.add(allocationId)
    },
    forget: (allocationId) => {
      written.delete(allocationId)
      said.delete(allocationId)
    },
    includes: (allocationId, readBegan) => {
      const included = isIncluded(allocationId, readBegan)
      if (included) said.add(allocationId)
      return included
    },
    ended: (readBegan) => {
      const ids = [...said].filter((id) => !isIncluded(id, readBegan(id)))
      for (const id of ids) said.delete(id)
      return ids
    }
  }
}
