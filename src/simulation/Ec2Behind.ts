/**
 * The simulated EC2 as a describe shows it that has not heard of the last writes.
 * Rule: only what was written within the visibility window can be unheard of; writes themselves see the true state.
 * Source: "Eventual consistency in the Amazon EC2 API".
 */
import type { State } from "./Ec2State.ts"
import type { Versioned } from "./Ec2Visibility.ts"

/** Milliseconds; "propagation can take a few minutes" is taken as two, as everywhere in here. */
const window = 120_000

type Undone = ReadonlyMap<string, unknown>

const viewOf = <A>(store: Versioned<A>, undone: Undone | undefined): Versioned<A> => {
  if (undone === undefined) return store
  const shown = (id: string, at: number): A | undefined =>
    undone.has(id) ? (undone.get(id) as A | undefined) : store.seen(id, at)
  return {
    ...store,
    seen: shown,
    allSeen: (at) => [...new Set([...store.ids(), ...undone.keys()])].flatMap((id) => shown(id, at) ?? [])
  }
}

/** Answers of describes before the last `writes` writes, at `at` (epoch milliseconds). */
export const behind = (state: State, writes: number, at: number): State => {
  const byStore = new Map<unknown, Map<string, unknown>>()
  // Newest first: what was there before the earliest of the undone writes is what is shown.
  for (const written of state.written.slice(-writes).toReversed()) {
    if (at - written.at > window) break
    const undone = byStore.get(written.store) ?? new Map<string, unknown>()
    byStore.set(written.store, undone.set(written.id, written.before))
  }
  return {
    ...state,
    addresses: viewOf(state.addresses, byStore.get(state.addresses)),
    groups: viewOf(state.groups, byStore.get(state.groups)),
    interfaces: viewOf(state.interfaces, byStore.get(state.interfaces)),
    instances: viewOf(state.instances, byStore.get(state.instances))
  }
}
