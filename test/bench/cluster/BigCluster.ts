/**
 * A cluster at rest of a size that is asked for, in both fakes.
 * Rule: everything in it is as this operator leaves it, so that an operator that starts over it has nothing to write.
 */
import * as ApiServer from "./ApiServer.ts"
import * as Ec2Endpoint from "./Ec2Endpoint.ts"
import * as Objects from "./Objects.ts"

export interface Size {
  readonly nodes: number
  /** Each is associated to the node of its number. */
  readonly externalIPs: number
  readonly firewallRules: number
  readonly pods: number
  /** Of the pods, so many ask for an address. */
  readonly labelledPods: number
}

export const empty: Size = { nodes: 0, externalIPs: 0, firewallRules: 0, pods: 0, labelledPods: 0 }
export const large: Size = {
  nodes: 5_000,
  externalIPs: 5_000,
  firewallRules: 2_000,
  pods: 150_000,
  labelledPods: 10_000
}

export const clusterId = "bench"

const numbers = (n: number): ReadonlyArray<number> => Array.from({ length: n }, (_, i) => i)

export const start = async (size: Size, ec2Latency = 0) => {
  const server = await ApiServer.start(function* () {
    for (let i = size.labelledPods; i < size.pods; i++) {
      yield Objects.pod(i, "1", size.nodes, size.labelledPods)
    }
  })
  for (const i of numbers(size.nodes)) server.put("nodes", Objects.node(i, "1"))
  for (const i of numbers(size.externalIPs)) server.put("externalips", Objects.externalIP(i, "1"))
  for (const i of numbers(size.firewallRules)) server.put("firewallrules", Objects.firewallRule(i, "1"))
  for (const i of numbers(size.labelledPods)) {
    server.put("pods", Objects.pod(i, "1", size.nodes, size.labelledPods))
  }
  const ec2 = await Ec2Endpoint.start({
    clusterId,
    nodes: size.externalIPs,
    rules: size.firewallRules,
    latency: ec2Latency
  })
  return {
    server,
    ec2,
    close: async () => {
      await ec2.close()
      await server.close()
    }
  }
}

export type BigCluster = Awaited<ReturnType<typeof start>>
