/**
 * Sequences of requests to the Kubernetes API, by chance.
 * Rule: pure; the same draws give the same sequence. A sequence is about few objects, so that its requests meet.
 */
import type { Draw } from "../../Draw.ts"
import { chance, one, weighed } from "./Choice.ts"
import { metadataChanges, metadataMistakes, repertoire, selections } from "./KubernetesObjects.ts"
import { type Fields, type Kind, type Request, resources, type Selection } from "./KubernetesRequest.ts"

const longest = 50
const kinds = Object.keys(resources) as ReadonlyArray<Kind>
const names = ["a", "a", "b", "c"]

const selection = (draw: Draw): Selection => {
  const { labels: _, ...chosen } = one(draw, selections)
  return chosen
}

const metadata = (draw: Draw): Fields => one(draw, chance(draw, 15) ? metadataMistakes : metadataChanges)

const merged = (a: Fields, b: Fields): Fields => ({
  ...a,
  metadata: { ...((a.metadata ?? {}) as Fields), ...b }
})

const change = (draw: Draw, kind: Kind): Fields => {
  const ofKind = one(draw, repertoire[kind].changes)
  return weighed<() => Fields>(draw, [
    [5, () => ofKind],
    [4, () => ({ metadata: metadata(draw) })],
    [1, () => merged(ofKind, metadata(draw))]
  ])()
}

/** Most writes are as a careful client makes them. */
const preconditions = (draw: Draw) => ({
  version: weighed(draw, [
    [7, "newest"],
    [2, "stale"]
  ] as const),
  uid: weighed(draw, [
    [18, "right"],
    [1, "absent"],
    [1, "wrong"]
  ] as const)
})

const request = (draw: Draw, kind: Kind, verb: Request["verb"]): Request => {
  const name = one(draw, names)
  switch (verb) {
    case "create": {
      const object = one(draw, repertoire[kind].objects)
      const more = chance(draw, 40) ? metadata(draw) : {}
      return {
        verb,
        kind,
        name,
        object: { ...object, metadata: { ...((object.metadata ?? {}) as Fields), ...more } }
      }
    }
    case "list": {
      const limit = chance(draw, 50) ? { limit: 1 + draw.below(2) } : {}
      return { verb, kind, selection: selection(draw), ...limit }
    }
    case "watch":
      return { verb, kind, selection: selection(draw) }
    case "more":
      return { verb, kind }
    case "update": {
      const { uid, version } = preconditions(draw)
      return {
        verb,
        kind,
        name,
        change: change(draw, kind),
        version: chance(draw, 15) ? "absent" : version,
        uid
      }
    }
    case "patch": {
      const { statuses } = repertoire[kind]
      const isOfStatus = statuses.length > 0 && chance(draw, 30)
      const how = preconditions(draw)
      const guarded = chance(draw, 40) ? how : ({ version: "absent", uid: "absent" } as const)
      return {
        verb,
        kind,
        name,
        ...(isOfStatus ? { subresource: "status" } : {}),
        patch: isOfStatus ? one(draw, statuses) : change(draw, kind),
        ...(chance(draw, 3) ? { ...guarded, version: "null" as const } : guarded)
      }
    }
    default:
      return { verb, kind, name }
  }
}

/** 1 to 50 requests about one to three kinds; it begins with what makes the rest worthwhile. */
export const sequence = (draw: Draw): ReadonlyArray<Request> => {
  const about = Array.from({ length: 1 + draw.below(3) }, () => one(draw, kinds))
  const length = 1 + draw.below(longest)
  return Array.from({ length }, (_, n) =>
    request(
      draw,
      one(draw, about),
      weighed(draw, [
        [n < 4 ? 20 : 4, "create"],
        [n < 4 ? 4 : 1, "watch"],
        [2, "get"],
        [2, "list"],
        [1, "more"],
        [5, "update"],
        [10, "patch"],
        [3, "delete"]
      ] as const)
    )
  )
}
