/**
 * Whether a NetworkPolicy lets a connection of its pods through.
 * Rule: a part of a policy that is not known here fails to decode, so that nothing in one goes unjudged.
 * Source: the API reference of networking.k8s.io/v1, NetworkPolicy: rules add up; one without ports is for every port,
 * one without peers for every peer.
 */
import { BlockList, isIPv6 } from "node:net"
import { Schema } from "effect"

const Ports = Schema.Array(Schema.Struct({ protocol: Schema.Literals(["TCP", "UDP"]), port: Schema.Number }))
const Peers = Schema.Array(Schema.Struct({ ipBlock: Schema.Struct({ cidr: Schema.String }) }))

const Spec = Schema.Struct({
  podSelector: Schema.Struct({ matchLabels: Schema.Record(Schema.String, Schema.String) }),
  policyTypes: Schema.Array(Schema.Literals(["Ingress", "Egress"])),
  ingress: Schema.Array(Schema.Struct({ ports: Schema.optionalKey(Ports), from: Schema.optionalKey(Peers) })),
  egress: Schema.Array(Schema.Struct({ ports: Schema.optionalKey(Ports), to: Schema.optionalKey(Peers) }))
})
export type Spec = typeof Spec.Type

export const decode = Schema.decodeUnknownSync(Spec, { onExcessProperty: "error" })

export interface Connection {
  readonly direction: "Ingress" | "Egress"
  readonly protocol: "TCP" | "UDP"
  readonly port: number
  /** Of the other side. */
  readonly address: string
}

const holds = (cidr: string, address: string): boolean => {
  const [network = "", prefix = ""] = cidr.split("/")
  const family = (text: string) => (isIPv6(text) ? "ipv6" : "ipv4")
  const block = new BlockList()
  block.addSubnet(network, Number(prefix), family(network))
  return family(network) === family(address) && block.check(address, family(address))
}

export const lets = (spec: Spec, { address, direction, port, protocol }: Connection): boolean => {
  if (!spec.policyTypes.includes(direction)) return true
  const rules =
    direction === "Egress"
      ? spec.egress.map(({ ports, to }) => ({ ports, peers: to }))
      : spec.ingress.map(({ from, ports }) => ({ ports, peers: from }))
  return rules.some(
    ({ peers = [], ports = [] }) =>
      (ports.length === 0 || ports.some((p) => p.protocol === protocol && p.port === port)) &&
      (peers.length === 0 || peers.some(({ ipBlock }) => holds(ipBlock.cidr, address)))
  )
}
