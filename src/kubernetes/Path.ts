/**
 * Where a resource lives in the API: its URL path and query.
 * Rule: every segment is escaped; the core group lives under /api, all others under /apis.
 */
import type { ListOptions, ObjectRef, Resource, WatchOptions } from "./Kubernetes.ts"

const escape = encodeURIComponent

const root = (r: Resource): string =>
  r.group === "" ? `/api/${r.version}` : `/apis/${escape(r.group)}/${r.version}`

/** All objects of a resource, of one namespace where one is given. */
export const collection = (r: Resource, namespace?: string): string =>
  namespace === undefined || !r.isNamespaced
    ? `${root(r)}/${r.plural}`
    : `${root(r)}/namespaces/${escape(namespace)}/${r.plural}`

export const object = (r: Resource, ref: ObjectRef, subresource?: string): string => {
  const path = `${collection(r, ref.namespace)}/${escape(ref.name)}`
  return subresource === undefined ? path : `${path}/${subresource}`
}

const query = (parameters: Readonly<Record<string, string | number | undefined>>): string => {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) search.set(name, String(value))
  }
  const text = search.toString()
  return text === "" ? "" : `?${text}`
}

export const list = (r: Resource, o: ListOptions): string =>
  collection(r, o.namespace) +
  query({
    labelSelector: o.labelSelector,
    fieldSelector: o.fieldSelector,
    limit: o.limit,
    continue: o.continue
  })

export const watch = (r: Resource, o: WatchOptions): string =>
  collection(r, o.namespace) +
  query({
    watch: "true",
    allowWatchBookmarks: "true",
    labelSelector: o.labelSelector,
    fieldSelector: o.fieldSelector,
    resourceVersion: o.resourceVersion,
    timeoutSeconds: o.timeoutSeconds
  })
