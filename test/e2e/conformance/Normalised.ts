/**
 * Answers of the API server without what no two servers have in common.
 * Rule: versions are compared only by whether and which way they moved, UIDs by whether they are the same object's,
 * times by whether there is one; everything else stays.
 */
import type { Raw } from "../../../src/domain/Object.ts"

/** What one client has seen of the objects of one server. */
export interface Seen {
  readonly normalised: (kind: string, object: Raw) => unknown
}

const moved = (before: string | undefined, now: string): string => {
  if (before === undefined) return "first"
  if (before === now) return "same"
  return BigInt(now) > BigInt(before) ? "newer" : "older"
}

export const make = (): Seen => {
  const versions = new Map<string, string>()
  const uids = new Map<string, Array<string>>()

  const uidOf = (of: string, uid: string): string => {
    const known = uids.get(of) ?? []
    if (!known.includes(uid)) known.push(uid)
    uids.set(of, known)
    return `#${known.indexOf(uid) + 1}`
  }

  return {
    normalised: (kind, object) => {
      const {
        creationTimestamp,
        deletionTimestamp,
        managedFields: _,
        resourceVersion,
        uid,
        ...rest
      } = object.metadata
      const of = `${kind}/${String(object.metadata.name)}`
      const version = String(resourceVersion)
      const metadata = {
        ...rest,
        uid: uidOf(of, String(uid)),
        resourceVersion: moved(versions.get(of), version),
        creationTimestamp: typeof creationTimestamp,
        ...(deletionTimestamp === undefined ? {} : { deletionTimestamp: typeof deletionTimestamp })
      }
      versions.set(of, version)
      // As JSON has it: what is undefined is not there.
      return JSON.parse(JSON.stringify({ ...object, metadata })) as unknown
    }
  }
}
