/**
 * Which auto-assigned ExternalIP names which node: claims, new objects, objects taken back, names cleared.
 * Rule: pure, and the same answer for the same world; a node gets at most one, an address goes to at most one.
 */
import * as ExternalIP from "../../domain/ExternalIP.ts"
import { byAge } from "../../domain/Metadata.ts"
import { autoAssignedName, autoAssignedPrefix } from "../../domain/Names.ts"
import { isCordoned, type Node, type Placement } from "../../domain/Node.ts"

export interface Observed {
  /** Epoch milliseconds. */
  readonly now: number
  readonly nodes: ReadonlyArray<{ readonly node: Node; readonly placement: Placement }>
  readonly externalIPs: ReadonlyArray<ExternalIP.ExternalIP>
  /** Live pods by the address they ask for, and the nodes they run on; undefined: not known. */
  readonly demand: ReadonlyMap<string, Demand> | undefined
  /** external-ip-name tags of unattached addresses of this cluster that no object names. */
  readonly keptNames: ReadonlyArray<string>
  /** Names that EC2 tags still speak of: not free for a new object. */
  readonly takenNames: ReadonlySet<string>
  /** UID of a node (minimum interval, failed claim) or of an object (failed clearing) -> not before. */
  readonly heldUntil: ReadonlyMap<string, number>
}

export interface Demand {
  readonly pods: number
  readonly nodeNames: ReadonlySet<string>
}

export type Move =
  /** Write spec.nodeName of an object of the operator's own. */
  | { readonly _tag: "Claim"; readonly externalIP: ExternalIP.ExternalIP; readonly node: Node }
  /** Make the ExternalIP, under a name whose kept address it takes back or under a new one. */
  | { readonly _tag: "Create"; readonly name: string; readonly node: Node; readonly isTakenBack: boolean }
  /** Clear spec.nodeName: its node is gone, or has another address. */
  | { readonly _tag: "Clear"; readonly externalIP: ExternalIP.ExternalIP }

export interface Assignment {
  readonly moves: ReadonlyArray<Move>
  /** When the next held-back node is due (epoch milliseconds). */
  readonly nextDue: number | undefined
}

type Rank = "Free" | "Cordoned"

/** Given to the nodes in the order of their names, best candidate first. */
export const assign = (o: Observed): Assignment => {
  const nodes = new Map(o.nodes.map((n) => [n.node.name, n.node]))
  const claimedNames = new Set<string>()
  for (const e of o.externalIPs) {
    const nodeName = ExternalIP.nodeName(e)
    // A terminating object that names a node counts until it is gone.
    if (nodeName !== undefined) claimedNames.add(nodeName)
  }
  const wanting = o.nodes
    .filter(
      ({ node, placement }) =>
        node.isAutoAssign &&
        !isCordoned(node) &&
        !node.isDeleting &&
        placement._tag === "Instance" &&
        !claimedNames.has(node.name)
    )
    .map(({ node }) => node)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))

  const moves: Array<Move> = []
  const used = new Set<string>()
  const objectNames = new Set(o.externalIPs.map((e) => e.metadata.name))
  const candidates = wanting.length === 0 ? [] : rank(o, nodes)
  const kept = o.keptNames.filter((n) => n.startsWith(autoAssignedPrefix) && !objectNames.has(n)).toSorted()
  let nextCandidate = 0
  let nextKept = 0
  let nextDue: number | undefined
  for (const node of wanting) {
    const held = o.heldUntil.get(node.uid)
    if (held !== undefined && held > o.now) {
      nextDue = Math.min(nextDue ?? held, held)
      continue
    }
    const candidate = candidates[nextCandidate]
    if (candidate !== undefined) {
      nextCandidate += 1
      used.add(candidate.metadata.name)
      moves.push({ _tag: "Claim", externalIP: candidate, node })
      continue
    }
    const keptName = kept[nextKept]
    if (keptName !== undefined) {
      nextKept += 1
      objectNames.add(keptName)
      moves.push({ _tag: "Create", name: keptName, node, isTakenBack: true })
      continue
    }
    const name = freeName(node, (n) => !objectNames.has(n) && !o.takenNames.has(n))
    objectNames.add(name)
    moves.push({ _tag: "Create", name, node, isTakenBack: false })
  }
  const clears = [...orphans(o, nodes), ...surplus(o)].filter((e) => {
    const held = o.heldUntil.get(e.metadata.uid)
    if (held === undefined || held <= o.now) return !used.has(e.metadata.name)
    nextDue = Math.min(nextDue ?? held, held)
    return false
  })
  return { moves: [...moves, ...clears.map((externalIP): Move => ({ _tag: "Clear", externalIP }))], nextDue }
}

/** The operator's own, alive and enabled: what it may move about. */
const isMovable = (e: ExternalIP.ExternalIP): boolean =>
  ExternalIP.isAutoAssigned(e) &&
  !ExternalIP.isDeleting(e) &&
  !ExternalIP.isDisabled(e) &&
  e.spec._tag === "Success"

/** Candidates for reuse, best first: most live pods ask for it, then free before cordoned, then the name. */
const rank = (o: Observed, nodes: ReadonlyMap<string, Node>): ReadonlyArray<ExternalIP.ExternalIP> =>
  o.externalIPs
    .flatMap((externalIP) => {
      const rank = isMovable(externalIP) ? rankOf(o, nodes, externalIP) : undefined
      const address = externalIP.status.publicIPAddress
      const pods = address === undefined ? 0 : (o.demand?.get(address)?.pods ?? 0)
      return rank === undefined ? [] : [{ externalIP, rank, pods }]
    })
    .toSorted(
      (a, b) =>
        b.pods - a.pods ||
        (a.rank === b.rank ? 0 : a.rank === "Free" ? -1 : 1) ||
        (a.externalIP.metadata.name < b.externalIP.metadata.name ? -1 : 1)
    )
    .map(({ externalIP }) => externalIP)

const rankOf = (
  o: Observed,
  nodes: ReadonlyMap<string, Node>,
  externalIP: ExternalIP.ExternalIP
): Rank | undefined => {
  const nodeName = ExternalIP.nodeName(externalIP)
  if (nodeName === undefined) return "Free"
  const node = nodes.get(nodeName)
  if (node === undefined) return "Free"
  if (!isCordoned(node) || !node.isAutoAssign) return undefined
  const address = externalIP.status.publicIPAddress
  // Without an address there is nothing to take from the cordoned node; without an answer about pods it is not
  // known whether somebody there still uses it.
  if (address === undefined || o.demand === undefined) return undefined
  return o.demand.get(address)?.nodeNames.has(nodeName) === true ? undefined : "Cordoned"
}

/** The smallest n whose name is free: asked again for the same node, the answer is the same name. */
const freeName = (node: Node, isFree: (name: string) => boolean): string => {
  let n = 0
  while (!isFree(autoAssignedName(node.uid, n))) n += 1
  return autoAssignedName(node.uid, n)
}

/** Their node is gone: they become free. */
const orphans = (o: Observed, nodes: ReadonlyMap<string, Node>): ReadonlyArray<ExternalIP.ExternalIP> =>
  o.externalIPs.filter((e) => {
    const nodeName = ExternalIP.nodeName(e)
    return nodeName !== undefined && !nodes.has(nodeName) && isMovable(e)
  })

/** Of several that name one node: the attached one keeps it, else the oldest; our own others let go. */
const surplus = (o: Observed): ReadonlyArray<ExternalIP.ExternalIP> => {
  const byNode = new Map<string, Array<ExternalIP.ExternalIP>>()
  for (const e of o.externalIPs) {
    const nodeName = ExternalIP.nodeName(e)
    if (nodeName === undefined || ExternalIP.isDeleting(e)) continue
    byNode.set(nodeName, [...(byNode.get(nodeName) ?? []), e])
  }
  return [...byNode.values()]
    .filter((rivals) => rivals.length > 1)
    .flatMap((rivals) => {
      const sorted = rivals.toSorted((a, b) => byAge(a.metadata, b.metadata))
      const keeper = sorted.find((e) => e.status.state === "Associated") ?? sorted[0]
      return sorted.filter((e) => e !== keeper && isMovable(e))
    })
}
