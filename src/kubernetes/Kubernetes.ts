/**
 * The Kubernetes service: the few verbs the operator uses, on raw JSON objects.
 * Rule: one request per call, never retried here; decoding, mirroring and deciding stand above it.
 */
import { Context, type Effect, type Stream } from "effect"
import type { Fields } from "../domain/Fields.ts"
import type { Raw } from "../domain/Object.ts"
import type { KubernetesError } from "./KubernetesError.ts"

/** A resource of the API, as its URL needs it. */
export interface Resource {
  /** "" for the core group. */
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly isNamespaced: boolean
}

const resource = (
  group: string,
  version: string,
  plural: string,
  kind: string,
  isNamespaced = false
): Resource => ({
  group,
  version,
  plural,
  kind,
  isNamespaced
})

export const nodes = resource("", "v1", "nodes", "Node")
export const pods = resource("", "v1", "pods", "Pod", true)
export const namespaces = resource("", "v1", "namespaces", "Namespace")
export const externalIPs = resource("kubestatic.quortex.io", "v1alpha1", "externalips", "ExternalIP")
export const firewallRules = resource("kubestatic.quortex.io", "v1alpha1", "firewallrules", "FirewallRule")
export const leases = resource("coordination.k8s.io", "v1", "leases", "Lease", true)
export const events = resource("events.k8s.io", "v1", "events", "Event", true)
export const tokenReviews = resource("authentication.k8s.io", "v1", "tokenreviews", "TokenReview")
export const subjectAccessReviews = resource(
  "authorization.k8s.io",
  "v1",
  "subjectaccessreviews",
  "SubjectAccessReview"
)

export const apiVersionOf = (r: Resource): string => (r.group === "" ? r.version : `${r.group}/${r.version}`)

/** Which object: `namespace` for namespaced resources only. */
export interface ObjectRef {
  readonly name: string
  readonly namespace?: string
}

export interface ListOptions {
  /** One namespace; all of them when absent. */
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** What of each object is read; all of it when absent. */
  readonly fields?: Fields
  /** Page size. */
  readonly limit?: number
  readonly continue?: string
}

export interface Page {
  readonly items: ReadonlyArray<Raw>
  /** Of the list, where a watch goes on. */
  readonly resourceVersion: string
  /** Present while there are more pages. */
  readonly continue: string | undefined
}

export interface WatchOptions {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** What of each object is read; all of it when absent. */
  readonly fields?: Fields
  readonly resourceVersion: string
  readonly timeoutSeconds: number
  /** Called when the server has accepted, right before it sends what happened since `resourceVersion`. */
  readonly onOpen?: () => void
}

export type WatchEvent =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: Raw }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string }

export interface PatchOptions {
  readonly subresource?: "status"
}

type Call<A> = Effect.Effect<A, KubernetesError>

export class Kubernetes extends Context.Service<
  Kubernetes,
  {
    list(resource: Resource, options: ListOptions): Call<Page>
    /**
     * Bookmarks are always asked for. Ends cleanly when the server ends it; fails with `Expired` on 410 in
     * either form and with `Unreachable` when nothing came for 90 s (a half-open connection).
     */
    watch(resource: Resource, options: WatchOptions): Stream.Stream<WatchEvent, KubernetesError>
    get(resource: Resource, ref: ObjectRef): Call<Raw>
    create(resource: Resource, object: Raw, namespace?: string): Call<Raw>
    /** A JSON merge patch (RFC 7386). Put metadata.resourceVersion into it where lists are replaced. */
    patch(
      resource: Resource,
      ref: ObjectRef,
      patch: Readonly<Record<string, unknown>>,
      options?: PatchOptions
    ): Call<Raw>
    /** PUT; metadata.resourceVersion of `object` is the precondition. */
    update(resource: Resource, ref: ObjectRef, object: Raw): Call<Raw>
  }
>()("kubestatic/kubernetes/Kubernetes") {}

export type Service = Kubernetes["Service"]
