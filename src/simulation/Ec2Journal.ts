/**
 * What was asked of the simulated EC2, by whom, and what came of it.
 * Rule: every request and every change by hand has one entry, written when it took effect; the counts are of
 * requests alone and are never forgotten, the entries only up to a limit.
 */

export interface Entry {
  /** Epoch milliseconds. */
  readonly at: number
  /** "service": through the Ec2 service. "hand": by others, or by the cloud itself. */
  readonly by: "service" | "hand"
  /** The EC2 action; for what the cloud does by itself a word of its own. */
  readonly action: string
  readonly request: unknown
  /** "OK", or EC2's error code. */
  readonly outcome: string
}

/** By action, then by outcome. */
export type Counts = ReadonlyMap<string, ReadonlyMap<string, number>>

export interface Journal {
  readonly write: (entry: Entry) => void
  readonly entries: () => ReadonlyArray<Entry>
  readonly counts: () => Counts
  /** Called with each entry, after the state has changed. */
  readonly onEntry: (listener: (entry: Entry) => void) => void
}

/** Of the entries, the newest `limit` at least are kept. */
export const make = (limit: number): Journal => {
  let entries: Array<Entry> = []
  const counts = new Map<string, Map<string, number>>()
  const listeners: Array<(entry: Entry) => void> = []
  return {
    write: (entry) => {
      entries.push(entry)
      // Cut by halves: the cost per entry stays constant.
      if (entries.length > 2 * limit) entries = entries.slice(-limit)
      if (entry.by === "service") {
        const byOutcome = counts.get(entry.action) ?? new Map<string, number>()
        byOutcome.set(entry.outcome, (byOutcome.get(entry.outcome) ?? 0) + 1)
        counts.set(entry.action, byOutcome)
      }
      for (const listener of listeners) listener(entry)
    },
    entries: () => entries,
    counts: () => counts,
    onEntry: (listener) => {
      listeners.push(listener)
    }
  }
}
