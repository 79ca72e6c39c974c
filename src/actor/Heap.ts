/**
 * A queue by time: the earliest entry is always at hand.
 * Rule: an entry knows its place, so that taking out any of them is as cheap as taking the first.
 */

export interface Entry {
  /** The smallest is first; of equal ones any may be. */
  readonly at: number
  /** Its place in the heap that holds it, -1 outside; written by the heap alone. */
  place: number
}

export class Heap<A extends Entry> {
  private readonly entries: Array<A> = []

  get first(): A | undefined {
    return this.entries[0]
  }

  get size(): number {
    return this.entries.length
  }

  add(entry: A): void {
    this.rise(entry, this.entries.length)
  }

  /** Does nothing to an entry that is not in here. */
  remove(entry: A): void {
    const { entries } = this
    const { place } = entry
    if (entries[place] !== entry) return
    entry.place = -1
    const last = entries.pop()
    if (last === undefined || last === entry) return
    // The last one fills the gap, and may belong above it or below it.
    const above = entries[(place - 1) >> 1]
    if (place > 0 && above !== undefined && above.at > last.at) this.rise(last, place)
    else this.sink(last, place)
  }

  private put(entry: A, place: number): void {
    this.entries[place] = entry
    entry.place = place
  }

  private rise(entry: A, from: number): void {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = this.entries[parent]
      if (above === undefined || above.at <= entry.at) break
      this.put(above, place)
      place = parent
    }
    this.put(entry, place)
  }

  private sink(entry: A, from: number): void {
    let place = from
    for (;;) {
      const left = this.entries[2 * place + 1]
      const right = this.entries[2 * place + 2]
      const least = right !== undefined && left !== undefined && right.at < left.at ? right : left
      if (least === undefined || least.at >= entry.at) break
      const gap = least.place
      this.put(least, place)
      place = gap
    }
    this.put(entry, place)
  }
}
