/**
 * What a client remembers of the answers, to say in its next requests.
 * Rule: of one server; nothing but what that server has said.
 */
import type { Raw } from "../../../src/domain/Object.ts"
import type { Fields, Kind, Request, Selection } from "./KubernetesRequest.ts"

export interface OpenList {
  readonly selection: Selection
  readonly limit: number | undefined
  /** Of its first page; undefined before that. */
  readonly resourceVersion: string | undefined
  readonly continue: string | undefined
}

export const fromTheStart = { resourceVersion: undefined, continue: undefined } as const

/** Of no object. */
const wrongUid = "00000000-0000-4000-8000-000000000000"
/** Older than any object of a sequence. */
const oldVersion = "1"

export const make = () => {
  const objects = new Map<string, { readonly first: Raw; readonly newest: Raw }>()
  const lists = new Map<Kind, OpenList>()
  const at = (kind: Kind, name: string) => `${kind}/${name}`
  return {
    remember: (kind: Kind, object: Raw) => {
      const key = at(kind, String(object.metadata.name))
      objects.set(key, { first: objects.get(key)?.first ?? object, newest: object })
    },
    newest: (kind: Kind, name: string): Raw | undefined => objects.get(at(kind, name))?.newest,
    open: (kind: Kind, list: OpenList) => {
      lists.set(kind, list)
    },
    /** Undefined where the last page was the last. */
    rest: (kind: Kind): OpenList | undefined => {
      const list = lists.get(kind)
      return list?.continue === undefined ? undefined : list
    },
    /** The preconditions that a request asks for, as members of metadata. */
    preconditions: (r: Extract<Request, { readonly verb: "update" | "patch" }>): Fields => {
      const { first, newest } = objects.get(at(r.kind, r.name)) ?? {}
      const versions = {
        newest: newest?.metadata.resourceVersion,
        stale:
          first?.metadata.resourceVersion === newest?.metadata.resourceVersion
            ? oldVersion
            : first?.metadata.resourceVersion,
        absent: undefined,
        null: null
      }
      const uids = { right: newest?.metadata.uid, wrong: wrongUid, absent: undefined }
      const given = { resourceVersion: versions[r.version], uid: uids[r.uid] }
      return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
    }
  }
}
