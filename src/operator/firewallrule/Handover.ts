/**
 * What an earlier process may have opened for a rule and EC2 may not show yet.
 * Rule: what was written is remembered by the process that wrote it, and EC2's answers lag behind by up to the
 * visibility window. Within that time of the first look at a rule, a read that does not show it proves nothing.
 */
import { Duration } from "effect"
import type { Metadata } from "../../domain/Metadata.ts"
import { visibilityWindow } from "../../ec2/Inventory.ts"

/** Which object: one that is made again under the same name is another one. */
type Identity = Pick<Metadata, "name" | "uid">

export interface Handover {
  /**
   * Until when (epoch milliseconds) it is not known where the rule is open; 0: it is known.
   *
   * @param isProven whether what the process before it has left says so; asked at the first look alone: later, it is
   * what this one has written
   */
  readonly doubtedUntil: (rule: Identity, isProven: () => boolean, now: number) => number
  /** This process has put the finalizer on it, and before that nobody opens anything for it. */
  readonly began: (rule: Identity) => void
  /** The object is gone. */
  readonly forget: (name: string) => void
}

export const make = (): Handover => {
  const known = new Map<string, { readonly uid: string; readonly until: number }>()

  return {
    doubtedUntil: ({ name, uid }, isProven, now) => {
      const met = known.get(name)
      if (met?.uid === uid) return met.until
      const until = isProven() ? 0 : now + Duration.toMillis(visibilityWindow)
      known.set(name, { uid, until })
      return until
    },
    began: ({ name, uid }) => {
      known.set(name, { uid, until: 0 })
    },
    forget: (name) => {
      known.delete(name)
    }
  }
}
