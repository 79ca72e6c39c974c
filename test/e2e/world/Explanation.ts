/**
 * Why the API server refused an operator something that it may ask for: somebody was faster.
 * Rule: an explanation is found in the audit of what everybody wrote, or there is none. A refusal that the process
 * brought upon itself (its own last write, forgotten) has none.
 */
import type { Audited } from "./ApiServer.ts"
import { user } from "./OperatorProcess.ts"

/** When a process of the operator ran: epoch milliseconds. */
export interface Life {
  readonly from: number
  /** When it was told to end; Infinity while it was not. */
  readonly toldToEndAt: () => number
  /** Infinity while it runs. */
  readonly to: () => number
}

const writes = new Set(["create", "update", "patch", "delete"])
const received = (e: Audited): number => Date.parse(e.requestReceivedTimestamp)
const answered = (e: Audited): number => Date.parse(e.stageTimestamp)
const codeOf = (e: Audited): number => e.responseStatus?.code ?? 0
const objectOf = ({ objectRef: o }: Audited): string => `${o?.resource} ${o?.namespace ?? ""} ${o?.name}`
const livesAt = (lives: ReadonlyArray<Life>, at: number): ReadonlyArray<Life> =>
  lives.filter((life) => life.from <= at && at <= life.to())

/** Who can have sent it: the administrator, or one of the processes that ran then. */
const isOneAndTheSame = (lives: ReadonlyArray<Life>, a: Audited, b: Audited): boolean => {
  if (a.user.username !== user || b.user.username !== user) return false
  const [first, ...others] = livesAt(lives, received(a))
  return others.length === 0 && first !== undefined && livesAt(lives, received(b)).includes(first)
}

/**
 * The API server's words for a client that hung up before it was answered (Go's context.Canceled, told as 500 where it
 * read and as 504 where it wrote). A process that goes on has no reason to hang up; one that is ending asks nothing of
 * what it watches any more.
 */
const hungUp = (e: Audited): boolean =>
  (codeOf(e) === 500 && e.responseStatus?.message === "context canceled") ||
  (codeOf(e) === 504 && e.responseStatus?.message?.endsWith(" - context canceled") === true)

export interface Trail {
  readonly audit: ReadonlyArray<Audited>
  readonly lives: ReadonlyArray<Life>
}

/** What happened to the objects of a trail, asked again and again. */
export const make = ({ audit, lives }: Trail) => {
  const done = new Map<string, Array<Audited>>()
  for (const e of audit) {
    if (!writes.has(e.verb) || codeOf(e) < 200 || codeOf(e) >= 300) continue
    const object = objectOf(e)
    done.set(object, [...(done.get(object) ?? []), e])
  }
  /** Writes of the same object that were under way before it was answered. */
  const before = (e: Audited) => (done.get(objectOf(e)) ?? []).filter((w) => received(w) < answered(e))

  const reads = audit.filter((e) => e.verb === "list" || e.verb === "watch")
  /**
   * One of those who can have sent it had been told to end when it hung up; or ended by itself, and read nothing that
   * came in later. (Of one that was told, what it had sent on other connections may come in later than its hanging up.)
   */
  const wasEnding = (e: Audited): boolean =>
    livesAt(lives, received(e)).some(
      (life) =>
        life.toldToEndAt() <= answered(e) ||
        (Number.isFinite(life.to()) &&
          !reads.some(
            (r) => received(r) > answered(e) && received(r) <= life.to() && r.user.username === user
          ))
    )

  return (e: Audited): string | undefined => {
    if (hungUp(e)) return wasEnding(e) ? "its process was ending" : undefined
    const earlier = before(e)
    switch (codeOf(e)) {
      case 404:
        if (earlier.some((w) => w.verb === "delete")) return "it was deleted meanwhile"
        return e.verb === "get" && earlier.length === 0 ? "it was not made yet" : undefined
      case 409: {
        const own = earlier.findLast((w) => isOneAndTheSame(lives, w, e))
        const others = earlier.filter((w) => !isOneAndTheSame(lives, w, e))
        // What it wrote itself it knows; what somebody else wrote since then it may not have seen yet.
        const since = own === undefined ? 0 : received(own)
        return others.some((w) => answered(w) >= since) ? "somebody else wrote it meanwhile" : undefined
      }
      default:
        return undefined
    }
  }
}
