/**
 * The kinds of actors and how one of them is named.
 * Rule: every resource has exactly one kind of actor that writes it.
 */
export const kinds = ["Node", "Assignment", "ExternalIP", "SecurityGroup", "FirewallRule"] as const
export type Kind = (typeof kinds)[number]

/** Assignment is one actor for the whole cluster: two nodes must never claim one address. */
export const assignmentKey = "cluster"

export interface ActorRef {
  readonly kind: Kind
  readonly key: string
}

export const isSameActor = (a: ActorRef | undefined, b: ActorRef): boolean =>
  a !== undefined && a.kind === b.kind && a.key === b.key
