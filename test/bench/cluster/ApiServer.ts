/**
 * An API server over HTTPS for a process under measurement: lists in pages, watches, merge patches, a lease.
 * Rule: objects are kept as the bytes that go over the wire, so that the server costs little of the machine that is
 * measured; what it is asked for and does not know ends the bench.
 */
import { EventEmitter, once } from "node:events"
import type { IncomingMessage, ServerResponse } from "node:http"
import { createServer } from "node:https"
import type { AddressInfo } from "node:net"
import { Effect } from "effect"
import { addressLabel } from "../../../src/domain/Names.ts"
import type { Raw } from "../../../src/domain/Object.ts"
import * as SelfSigned from "../../../src/http/SelfSigned.ts"
import * as MergePatch from "../../../src/simulation/MergePatch.ts"

export type Plural = "nodes" | "pods" | "externalips" | "firewallrules" | "leases"

/** A write that came in, and when (milliseconds of `performance.now()`). */
export interface Write {
  readonly at: number
  readonly method: string
  readonly path: string
}

export interface ApiServer {
  readonly port: number
  /** PEM, for clients that are to trust it. */
  readonly authority: string
  readonly put: (plural: Plural, object: Raw) => void
  readonly remove: (plural: Plural, name: string) => void
  /** Sends lines to every watch of the resource as fast as they are taken, without keeping them. */
  readonly flood: (plural: Plural, lines: Iterable<Buffer>) => Promise<void>
  readonly nextVersion: () => string
  readonly get: (plural: Plural, name: string) => Raw | undefined
  /** Lists, watches and writes, as "LIST nodes", "WATCH nodes", ..., and when each first came. */
  readonly firstAsked: ReadonlyMap<string, number>
  readonly writes: ReadonlyArray<Write>
  /** "list nodes", "watch nodes", "write": as it happens. */
  readonly seen: EventEmitter
  /** Pods that went out in lists. */
  readonly podsSent: () => number
  readonly reset: () => void
  readonly close: () => Promise<void>
}

const kinds: Readonly<Record<Plural, { readonly kind: string; readonly apiVersion: string }>> = {
  nodes: { kind: "Node", apiVersion: "v1" },
  pods: { kind: "Pod", apiVersion: "v1" },
  externalips: { kind: "ExternalIP", apiVersion: "kubestatic.quortex.io/v1alpha1" },
  firewallrules: { kind: "FirewallRule", apiVersion: "kubestatic.quortex.io/v1alpha1" },
  leases: { kind: "Lease", apiVersion: "coordination.k8s.io/v1" }
}

const path =
  /^\/(?:api\/v1|apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+))?\/(nodes|pods|externalips|firewallrules|leases|events)(?:\/([^/]+))?(?:\/(status))?$/

const comma = Buffer.from(",")

const nameOf = (object: Raw): string => String(object.metadata.name)
const keyOf = (plural: Plural, object: Raw): string =>
  plural === "pods" ? `${String(object.metadata.namespace)}/${nameOf(object)}` : nameOf(object)

export const line = (type: string, object: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`{"type":"${type}","object":`), object, Buffer.from("}\n")])

export const start = async (unlabelledPods?: (labelled: number) => Iterable<Raw>): Promise<ApiServer> => {
  const pair = await Effect.runPromise(SelfSigned.make)
  const stored = new Map<Plural, Map<string, Buffer>>()
  const watches = new Map<Plural, Set<ServerResponse>>()
  const firstAsked = new Map<string, number>()
  const writes: Array<Write> = []
  const seen = new EventEmitter()
  let version = 1_000_000
  let podsSent = 0
  let eventsMade = 0

  const rowsOf = (plural: Plural): Map<string, Buffer> => {
    const rows = stored.get(plural) ?? new Map<string, Buffer>()
    stored.set(plural, rows)
    return rows
  }
  const nextVersion = () => String(++version)

  const note = (what: string): void => {
    if (!firstAsked.has(what)) firstAsked.set(what, performance.now())
    seen.emit(what)
  }

  const tell = (plural: Plural, type: string, bytes: Buffer): void => {
    for (const watch of watches.get(plural) ?? []) watch.write(line(type, bytes))
  }

  const put = (plural: Plural, object: Raw): Raw => {
    const stamped: Raw = {
      ...object,
      ...kinds[plural],
      metadata: { ...object.metadata, resourceVersion: nextVersion() }
    }
    const rows = rowsOf(plural)
    const key = keyOf(plural, object)
    const bytes = Buffer.from(JSON.stringify(stamped))
    const type = rows.has(key) ? "MODIFIED" : "ADDED"
    rows.set(key, bytes)
    tell(plural, type, bytes)
    return stamped
  }

  const get = (plural: Plural, name: string): Raw | undefined => {
    const bytes = rowsOf(plural).get(name)
    return bytes === undefined ? undefined : (JSON.parse(bytes.toString()) as Raw)
  }

  const remove = (plural: Plural, name: string): void => {
    const object = get(plural, name)
    if (object === undefined) return
    rowsOf(plural).delete(name)
    const last: Raw = { ...object, metadata: { ...object.metadata, resourceVersion: nextVersion() } }
    tell(plural, "DELETED", Buffer.from(JSON.stringify(last)))
  }

  const answer = (response: ServerResponse, code: number, body: unknown): void => {
    response.writeHead(code, { "content-type": "application/json" })
    response.end(Buffer.isBuffer(body) ? body : JSON.stringify(body))
  }
  const refuse = (response: ServerResponse, code: number, reason: string, name?: string): void =>
    answer(response, code, {
      kind: "Status",
      apiVersion: "v1",
      status: "Failure",
      reason,
      code,
      message: reason,
      ...(name === undefined ? {} : { details: { name } })
    })

  const list = (plural: Plural, query: URLSearchParams, response: ServerResponse): void => {
    note(`LIST ${plural}`)
    const from = Number(query.get("continue") ?? 0)
    const limit = Number(query.get("limit") ?? 500)
    let rows: ReadonlyArray<Buffer> = [...rowsOf(plural).values()]
    if (plural === "pods" && query.get("labelSelector") !== addressLabel) {
      // Who does not ask by label is sent every pod of the cluster.
      const others = unlabelledPods?.(rows.length) ?? []
      rows = [...rows, ...Array.from(others, (pod) => Buffer.from(JSON.stringify(pod)))]
    }
    const items = rows.slice(from, from + limit)
    if (plural === "pods") podsSent += items.length
    const next = from + limit < rows.length ? String(from + limit) : ""
    const head = `{"kind":"${kinds[plural].kind}List","apiVersion":"${kinds[plural].apiVersion}","metadata":{"resourceVersion":"${version}"${next === "" ? "" : `,"continue":"${next}"`}},"items":[`
    answer(
      response,
      200,
      Buffer.concat([
        Buffer.from(head),
        ...items.flatMap((item, i) => (i === 0 ? [item] : [comma, item])),
        Buffer.from("]}")
      ])
    )
  }

  const watch = (plural: Plural, response: ServerResponse): void => {
    response.writeHead(200, { "content-type": "application/json" })
    response.flushHeaders()
    const open = watches.get(plural) ?? new Set()
    watches.set(plural, open)
    open.add(response)
    const bookmark = setInterval(() => {
      const metadata = { resourceVersion: String(version) }
      response.write(line("BOOKMARK", Buffer.from(JSON.stringify({ ...kinds[plural], metadata }))))
    }, 60_000)
    response.on("close", () => {
      clearInterval(bookmark)
      open.delete(response)
    })
    note(`WATCH ${plural}`)
  }

  const write = (
    request: { readonly method: string; readonly path: string; readonly body: string },
    plural: Plural | "events",
    name: string | undefined,
    response: ServerResponse
  ): void => {
    const given = JSON.parse(request.body) as Raw
    if (plural === "events") {
      eventsMade += 1
      answer(response, 201, {
        ...given,
        metadata: { ...given.metadata, name: `event-${eventsMade}`, resourceVersion: nextVersion() }
      })
      return
    }
    if (plural !== "leases") {
      writes.push({ at: performance.now(), method: request.method, path: request.path })
      note("WRITE")
    }
    if (request.method === "POST") {
      if (rowsOf(plural).has(nameOf(given))) {
        refuse(response, 409, "AlreadyExists")
        return
      }
      const uid = `00000000-0000-4000-8000-${nextVersion().padStart(12, "0")}`
      answer(
        response,
        201,
        put(plural, {
          ...given,
          metadata: { ...given.metadata, uid, generation: 1, creationTimestamp: new Date().toISOString() }
        })
      )
      return
    }
    const known = get(plural, name ?? "")
    if (known === undefined) {
      refuse(response, 404, "NotFound", name)
      return
    }
    const expected = given.metadata?.resourceVersion
    if (expected !== undefined && expected !== known.metadata.resourceVersion) {
      refuse(response, 409, "Conflict")
      return
    }
    answer(
      response,
      200,
      put(plural, request.method === "PATCH" ? (MergePatch.apply(known, given) as Raw) : given)
    )
  }

  const handle = (request: IncomingMessage, body: string, response: ServerResponse): void => {
    const url = new URL(request.url ?? "/", "https://server")
    if (url.pathname === "/api/v1/namespaces/kube-system") {
      answer(response, 200, {
        kind: "Namespace",
        apiVersion: "v1",
        metadata: { name: "kube-system", uid: "bench", resourceVersion: "1" }
      })
      return
    }
    const [, , resource, name] = path.exec(url.pathname) ?? []
    if (resource === undefined) {
      refuse(response, 404, "NotFound")
      return
    }
    const method = request.method ?? "GET"
    if (method !== "GET") {
      write({ method, path: url.pathname, body }, resource as Plural | "events", name, response)
      return
    }
    const plural = resource as Plural
    if (name !== undefined) {
      const bytes = rowsOf(plural).get(name)
      if (bytes === undefined) refuse(response, 404, "NotFound", name)
      else answer(response, 200, bytes)
    } else if (url.searchParams.get("watch") === "true") watch(plural, response)
    else list(plural, url.searchParams, response)
  }

  const server = createServer({ cert: pair.certificate, key: pair.key }, (request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => handle(request, Buffer.concat(chunks).toString(), response))
  })
  server.keepAliveTimeout = 90_000
  server.listen(0, "127.0.0.1")
  await once(server, "listening")

  return {
    port: (server.address() as AddressInfo).port,
    authority: pair.certificate,
    put,
    remove,
    flood: async (plural, lines) => {
      for (const one of lines) {
        for (const open of watches.get(plural) ?? []) {
          if (!open.write(one)) await once(open, "drain")
        }
      }
    },
    nextVersion,
    get,
    firstAsked,
    writes,
    seen,
    podsSent: () => podsSent,
    reset: () => {
      firstAsked.clear()
      writes.length = 0
    },
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, "close").catch(() => undefined)
    }
  }
}
