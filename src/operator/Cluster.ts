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
import * as Turns from "./Turns.ts"

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

type Mirror<A> = Pick<Store<A, never>, "get" | "accept" | "forget">
type Kind = "Node" | "ExternalIP" | "FirewallRule"

const make = Effect.gen(function* () {
  const kubernetes = yield* Kubernetes
  const mirrors = yield* Mirrors
  const turns = Turns.make()

  /**
   * After a write whose outcome is a surprise (refused, or unknown), what is there is read: told as anybody's
   * change, because it is one.
   */
  const readAgain = <A>(resource: Resource, mirror: Mirror<A>, name: string, uidOf: (a: A) => string) =>
    Effect.suspend(() => {
      const known = mirror.get(name)
      return kubernetes.get(resource, { name }).pipe(
        Effect.map((raw) => {
          mirror.accept(raw)
        }),
        // Not one that was made under the name since the read was sent.
        Effect.catchReason("KubernetesError", "NotFound", () =>
          Effect.sync(() => {
            if (known !== undefined) mirror.forget(name, uidOf(known))
          })
        ),
        // The read is a courtesy to the next pass; the watch brings the same a little later.
        Effect.ignore
      )
    })

  /** Its outcome is not what the mirror made one expect, or is not known. */
  const isSurprise = ({ reason }: KubernetesError): boolean => {
    switch (reason._tag) {
      case "Conflict":
      case "AlreadyExists":
      case "NotFound":
      case "Invalid":
      case "ServerFault":
      case "Unreachable":
      case "Unintelligible":
        return true
      default:
        return false
    }
  }

  type Versioned = Node | ExternalIP | FirewallRule
  interface Target<A extends Versioned> {
    readonly kind: Kind
    readonly resource: Resource
    readonly mirror: Mirror<A>
    readonly identity: (a: A) => { readonly uid: string; readonly resourceVersion: string }
  }

  /** In turn, its reply in the mirror and known for whose it is. */
  const written = <A extends Versioned>(
    { identity, kind, mirror, resource }: Target<A>,
    name: string,
    write: Write<Raw>
  ): Write<A> =>
    Effect.flatMap(CurrentActor, (current) => {
      const by = current as ActorRef | undefined
      const settled = mirrors.writing(kind, name, by, write, mirror.accept)
      const told = Effect.tapError(settled, (error) =>
        isSurprise(error) ? readAgain(resource, mirror, name, (a) => identity(a).uid) : Effect.void
      )
      return turns.take(`${kind}/${name}`, told)
    })

  /** Actors that write the same object take turns, and what one decided before the other's write is not sent. */
  const patcher =
    <A extends Versioned>(target: Target<A>, options: { readonly subresource?: "status" }) =>
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
        if (!isOutdated) return kubernetes.patch(resource, { name }, patch, options)
        const reason = new Conflict({ message: "a newer state of it is known by now" })
        return Effect.fail(new KubernetesError({ operation: what.join("/"), reason }))
      })
      return written(target, name, send).pipe(
        Effect.withSpan(`Cluster.patch.${resource.plural}`, {}, { captureStackTrace: false })
      )
    }

  const ofNodes: Target<Node> = { kind: "Node", resource: nodes, mirror: mirrors.nodes, identity: (n) => n }
  const ofExternalIPs: Target<ExternalIP> = {
    kind: "ExternalIP",
    resource: externalIPs,
    mirror: mirrors.externalIPs,
    identity: (e) => e.metadata
  }
  const ofFirewallRules: Target<FirewallRule> = {
    kind: "FirewallRule",
    resource: firewallRules,
    mirror: mirrors.firewallRules,
    identity: (r) => r.metadata
  }
  const status = { subresource: "status" } as const
  return Cluster.of({
    patchNode: patcher(ofNodes, {}),
    createExternalIP: Effect.fn("Cluster.create.externalips")((object: Raw) => {
      const name = String(object.metadata.name)
      return written(ofExternalIPs, name, kubernetes.create(externalIPs, object))
    }),
    patchExternalIP: patcher(ofExternalIPs, {}),
    patchExternalIPStatus: patcher(ofExternalIPs, status),
    patchFirewallRule: patcher(ofFirewallRules, {}),
    patchFirewallRuleStatus: patcher(ofFirewallRules, status)
  })
})

export const layer: Layer.Layer<Cluster, never, Kubernetes | Mirrors> = Layer.effect(Cluster, make)
