/**
 * The operator's writes to Kubernetes: one request, its reply put into the mirror at once.
 * Rule: no decision runs on a state older than our own last write, and a refused write is followed by a read. Nothing
 * is sent that was decided on a state that is known to be outdated.
 */
import { Context, Effect, Layer } from "effect"
import { CurrentActor } from "../actor/CurrentActor.ts"
import type { ExternalIP } from "../domain/ExternalIP.ts"
import type { FirewallRule } from "../domain/FirewallRule.ts"
import type { Node } from "../domain/Node.ts"
import type { Raw } from "../domain/Object.ts"
import { externalIPs, firewallRules, Kubernetes, nodes, type Resource } from "../kubernetes/Kubernetes.ts"
import { Conflict, KubernetesError } from "../kubernetes/KubernetesError.ts"
import type { Store } from "../kubernetes/Store.ts"
import type { ActorRef } from "./Kinds.ts"
import { Mirrors } from "./Mirrors.ts"

type Patch = Readonly<Record<string, unknown>>
type Write<A> = Effect.Effect<A, KubernetesError>

export class Cluster extends Context.Service<
  Cluster,
  {
    readonly patchNode: (name: string, patch: Patch) => Write<Node>
    readonly createExternalIP: (object: Raw) => Write<ExternalIP>
    readonly patchExternalIP: (name: string, patch: Patch) => Write<ExternalIP>
    readonly patchExternalIPStatus: (name: string, patch: Patch) => Write<ExternalIP>
    readonly patchFirewallRule: (name: string, patch: Patch) => Write<FirewallRule>
    readonly patchFirewallRuleStatus: (name: string, patch: Patch) => Write<FirewallRule>
  }
>()("kubestatic/operator/Cluster") {}

type Mirror<A> = Pick<Store<A, never>, "get" | "accept" | "forget" | "writing">

const make = Effect.gen(function* () {
  const kubernetes = yield* Kubernetes
  const mirrors = yield* Mirrors

  const accept = Effect.fnUntraced(function* <A>(mirror: Mirror<A>, raw: Raw) {
    const actor = (yield* CurrentActor) as ActorRef | undefined
    return mirrors.attributed(actor, () => mirror.accept(raw))
  })

  /**
   * After a write whose outcome is a surprise (refused, or unknown), what is there is read: told as anybody's
   * change, because it is one.
   */
  const readAgain = <A>(resource: Resource, mirror: Mirror<A>, name: string, uidOf: (a: A) => string) =>
    kubernetes.get(resource, { name }).pipe(
      Effect.map((raw) => {
        mirror.accept(raw)
      }),
      Effect.catchReason("KubernetesError", "NotFound", () =>
        Effect.sync(() => {
          const known = mirror.get(name)
          if (known !== undefined) mirror.forget(name, uidOf(known))
        })
      ),
      // The read is a courtesy to the next pass; the watch brings the same a little later.
      Effect.ignore
    )

  /** Its outcome is not what the mirror made one expect, or is not known. */
  const isSurprise = ({ reason }: KubernetesError): boolean => {
    switch (reason._tag) {
      case "Conflict":
      case "AlreadyExists":
      case "NotFound":
      case "Invalid":
      case "ServerFault":
      case "Unreachable":
        return true
      default:
        return false
    }
  }

  interface Written<A> {
    readonly resource: Resource
    readonly mirror: Mirror<A>
    readonly identity: (a: A) => { readonly uid: string; readonly resourceVersion: string }
  }

  const written = <A>(
    { identity, mirror, resource }: Written<A>,
    name: string,
    write: Write<Raw>
  ): Write<A> =>
    write.pipe(
      Effect.tapError((error) =>
        isSurprise(error) ? readAgain(resource, mirror, name, (a) => identity(a).uid) : Effect.void
      ),
      Effect.flatMap((raw) => accept(mirror, raw))
    )

  /** Actors that write the same object take turns, and what one decided before the other's write is not sent. */
  const patcher =
    <A>(target: Written<A>, options: { readonly subresource?: "status" }) =>
    (name: string, patch: Patch): Write<A> => {
      const { identity, mirror, resource } = target
      const what = [`patch ${resource.plural}`, name, options.subresource].filter(
        (part) => part !== undefined
      )
      const decidedOn = (patch.metadata as Raw["metadata"] | undefined)?.resourceVersion
      const send = Effect.suspend(() => {
        const known = mirror.get(name)
        const isOutdated =
          decidedOn !== undefined && known !== undefined && identity(known).resourceVersion !== decidedOn
        if (!isOutdated) return written(target, name, kubernetes.patch(resource, { name }, patch, options))
        const reason = new Conflict({ message: "a newer state of it is known by now" })
        return Effect.fail(new KubernetesError({ operation: what.join("/"), reason }))
      })
      return mirror
        .writing(name, send)
        .pipe(Effect.withSpan(`Cluster.patch.${resource.plural}`, {}, { captureStackTrace: false }))
    }

  const ofExternalIPs: Written<ExternalIP> = {
    resource: externalIPs,
    mirror: mirrors.externalIPs,
    identity: (e) => e.metadata
  }
  const ofFirewallRules: Written<FirewallRule> = {
    resource: firewallRules,
    mirror: mirrors.firewallRules,
    identity: (r) => r.metadata
  }
  const status = { subresource: "status" } as const
  return Cluster.of({
    patchNode: patcher({ resource: nodes, mirror: mirrors.nodes, identity: (n: Node) => n }, {}),
    createExternalIP: Effect.fn("Cluster.create.externalips")((object: Raw) => {
      const name = String(object.metadata.name)
      return mirrors.externalIPs.writing(
        name,
        written(ofExternalIPs, name, kubernetes.create(externalIPs, object))
      )
    }),
    patchExternalIP: patcher(ofExternalIPs, {}),
    patchExternalIPStatus: patcher(ofExternalIPs, status),
    patchFirewallRule: patcher(ofFirewallRules, {}),
    patchFirewallRuleStatus: patcher(ofFirewallRules, status)
  })
})

export const layer: Layer.Layer<Cluster, never, Kubernetes | Mirrors> = Layer.effect(Cluster, make)
