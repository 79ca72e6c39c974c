/**
 * What goes on in a cluster: nodes come, go and are replaced; people open, edit and close things.
 * Rule: one small thing at a time, chosen by chance; nothing here waits for the operator.
 */
import { Effect } from "effect"
import type { Draw } from "../../Draw.ts"
import type { Asked } from "./ApiServer.ts"
import { autoAssign, externalIP, firewallRule, node, type World } from "./World.ts"

type Of = World["Service"]
type Fields = Readonly<Record<string, unknown>>

const most = { nodes: 7, rules: 9, addresses: 3 } as const

const collections = {
  Node: "/api/v1/nodes",
  ExternalIP: "/apis/kubestatic.quortex.io/v1alpha1/externalips",
  FirewallRule: "/apis/kubestatic.quortex.io/v1alpha1/firewallrules"
} as const
type Kind = keyof typeof collections

export const make = (world: Of, draw: Draw) => {
  let made = 0
  /** Name to instance. */
  const nodes = new Map<string, string>()
  const rules = new Set<string>()
  const addresses = new Set<string>()

  const send = (asked: Asked, fine: ReadonlyArray<number>) =>
    Effect.tap(world.apiServer.request(asked), ({ body, status }) =>
      fine.includes(status)
        ? Effect.void
        : Effect.die(new Error(`${asked.method} ${asked.path}: ${status} ${body}`))
    )
  const post = (kind: Kind, object: Fields) =>
    send({ method: "POST", path: collections[kind], body: object }, [201, 409])
  const patch = (kind: Kind, name: string, spec: Fields) =>
    send(
      {
        method: "PATCH",
        path: `${collections[kind]}/${name}`,
        body: { spec },
        contentType: "application/merge-patch+json"
      },
      // What is being deleted may be gone.
      [200, 404]
    )
  const remove = (kind: Kind, name: string) =>
    send({ method: "DELETE", path: `${collections[kind]}/${name}` }, [200, 202, 404])

  const register = (name: string) =>
    Effect.gen(function* () {
      const launched = yield* world.cloud.launch()
      nodes.set(name, launched.instanceId)
      yield* post("Node", node(name, { labels: autoAssign, providerID: launched.providerID }))
    })
  const end = (name: string) =>
    Effect.gen(function* () {
      yield* remove("Node", name)
      yield* world.cloud.terminate(nodes.get(name) ?? "")
      nodes.delete(name)
    })
  const someNode = () => draw.among([...nodes.keys()])
  const port = () => 8000 + draw.below(3)
  const ranges = () => ({
    ipRanges: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]
      .filter((_, n) => n === 0 || draw.below(2) === 0)
      .map((cidr) => ({ cidr, description: `seen ${draw.below(3)}` }))
  })

  const happenings: ReadonlyArray<() => Effect.Effect<unknown, unknown>> = [
    () => (nodes.size < most.nodes ? register(`node-${++made}`) : Effect.void),
    () => {
      const name = someNode()
      return name === undefined || nodes.size < 3 ? Effect.void : end(name)
    },
    () => {
      const name = someNode()
      return name === undefined ? Effect.void : Effect.andThen(end(name), register(name))
    },
    () => {
      if (rules.size >= most.rules) return Effect.void
      const name = `rule-${++made}`
      rules.add(name)
      return post(
        "FirewallRule",
        firewallRule(name, {
          nodeName: someNode(),
          direction: draw.below(4) === 0 ? "Egress" : "Ingress",
          fromPort: port(),
          ...ranges()
        })
      )
    },
    () => {
      const name = draw.among([...rules])
      return name === undefined
        ? Effect.void
        : patch("FirewallRule", name, { nodeName: someNode() ?? null, fromPort: port(), ...ranges() })
    },
    () => {
      const name = draw.among([...rules])
      if (name === undefined) return Effect.void
      rules.delete(name)
      return remove("FirewallRule", name)
    },
    () => {
      if (addresses.size >= most.addresses) return Effect.void
      const name = `mine-${++made}`
      addresses.add(name)
      return post("ExternalIP", externalIP(name))
    },
    () => {
      const name = draw.among([...addresses])
      if (name === undefined) return Effect.void
      addresses.delete(name)
      return remove("ExternalIP", name)
    }
  ]

  return {
    /** One thing happens. */
    happens: Effect.suspend(() => (draw.among(happenings) ?? (() => Effect.void))())
  }
}
