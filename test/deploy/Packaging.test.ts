/** The known defects of the Go implementation's packaging: each a regression case. */
import { readdirSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { parse } from "yaml"
import { render } from "../../src/cli/Crds.ts"
import * as Policy from "./iam/Policy.ts"
import { type Connection, decode, lets } from "./NetworkPolicy.ts"

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8")
const manifest = (path: string) => parse(read(`deploy/manifests/${path}`)) as { readonly spec: unknown }

interface Container {
  readonly image: string
  readonly livenessProbe?: object
  readonly readinessProbe?: object
  readonly resources?: { readonly requests?: object; readonly limits?: { readonly memory?: string } }
  readonly securityContext?: Readonly<Record<string, unknown>>
}
const { template } = manifest("deployment.yaml").spec as {
  readonly template: {
    readonly metadata: { readonly labels: Readonly<Record<string, string>> }
    readonly spec: { readonly containers: ReadonlyArray<Container>; readonly securityContext?: object }
  }
}
const [container, ...sidecars] = template.spec.containers

describe("packaging", () => {
  it("C1: a default install pulls the one image that is built here", () => {
    assert.deepStrictEqual(sidecars, [])
    const { version } = JSON.parse(read("package.json")) as { readonly version: string }
    assert.strictEqual(container?.image, `kubestatic:${version}`)
  })

  describe("C2: the network policy", () => {
    const policy = decode(manifest("components/network-policy/network-policy.yaml").spec)
    const out = (protocol: Connection["protocol"], address: string, port: number): Connection => ({
      direction: "Egress",
      protocol,
      address,
      port
    })
    const into = (port: number): Connection => ({
      direction: "Ingress",
      protocol: "TCP",
      address: "10.0.3.7",
      port
    })
    const needed: ReadonlyArray<readonly [string, Connection]> = [
      ["a scrape of the metrics", into(8443)],
      ["DNS of the cluster", out("UDP", "10.100.0.10", 53)],
      ["DNS whose answer is long", out("TCP", "10.100.0.10", 53)],
      ["DNS from a cache on the node", out("UDP", "169.254.20.10", 53)],
      ["the API server by its Service", out("TCP", "10.100.0.1", 443)],
      ["the API server by an endpoint", out("TCP", "10.0.1.5", 6443)],
      ["EC2 and STS", out("TCP", "203.0.113.80", 443)],
      ["EC2 and STS over IPv6", out("TCP", "2001:db8::80", 443)],
      ["instance metadata", out("TCP", "169.254.169.254", 80)],
      ["instance metadata over IPv6", out("TCP", "fd00:ec2::254", 80)],
      ["the pod identity agent", out("TCP", "169.254.170.23", 80)],
      ["the pod identity agent over IPv6", out("TCP", "fd00:ec2::23", 80)]
    ]
    const refused: ReadonlyArray<readonly [string, Connection]> = [
      ["the probes' port from elsewhere than the node", into(8081)],
      ["plain metrics, which nobody serves", into(8080)],
      ["a shell", into(22)],
      ["plain HTTP to anywhere", out("TCP", "203.0.113.80", 80)],
      ["another address beside the metadata", out("TCP", "169.254.169.253", 80)],
      ["another port of the metadata", out("TCP", "169.254.169.254", 8080)],
      ["a database", out("TCP", "10.0.1.5", 5432)],
      ["QUIC", out("UDP", "203.0.113.80", 443)]
    ]
    it("is for the operator's pods", () => {
      for (const [name, value] of Object.entries(policy.podSelector.matchLabels)) {
        assert.strictEqual(template.metadata.labels[name], value)
      }
    })
    for (const [what, connection] of needed) {
      it(`lets through ${what}`, () => assert.isTrue(lets(policy, connection)))
    }
    for (const [what, connection] of refused) {
      it(`shuts out ${what}`, () => assert.isFalse(lets(policy, connection)))
    }
  })

  it("C3: pods have probes, resources, a security context and a disruption budget", () => {
    assert.isDefined(container?.livenessProbe)
    assert.isDefined(container?.readinessProbe)
    assert.isDefined(container?.resources?.requests)
    assert.strictEqual(container?.resources?.limits?.memory, "256Mi")
    assert.strictEqual(container?.securityContext?.readOnlyRootFilesystem, true)
    assert.isDefined(template.spec.securityContext)
    const { maxUnavailable, selector } = manifest("pod-disruption-budget.yaml").spec as {
      readonly maxUnavailable: number
      readonly selector: { readonly matchLabels: Readonly<Record<string, string>> }
    }
    assert.strictEqual(maxUnavailable, 1)
    assert.deepInclude(template.metadata.labels, selector.matchLabels)
  })

  it("C4: the least-privilege policy is on all resources for reads alone, and names nothing that is never called", () => {
    const least = Policy.read("least-privilege.json")
    const onAll = least.filter(({ resources }) => resources.includes("*"))
    assert.deepStrictEqual(
      onAll.flatMap(({ actions }) => actions).filter((action) => !action.startsWith("ec2:Describe")),
      []
    )
    assert.notInclude(
      least.flatMap(({ actions }) => actions),
      "ec2:ModifyInstanceAttribute"
    )
  })

  it("C5: the program, the chart and the manifests bring the same definitions, and the page says how to renew them", () => {
    const definitions = (text: string) =>
      text
        .replaceAll(/^#.*\n/gm, "")
        .split("---\n")
        .toSorted()
    const printed = definitions(render())
    const ofChart = readdirSync(new URL("../../deploy/chart/crds", import.meta.url))
    assert.deepStrictEqual(
      ofChart.map((file) => read(`deploy/chart/crds/${file}`).replaceAll(/^#.*\n/gm, "")).toSorted(),
      printed
    )
    const parsed = (texts: ReadonlyArray<string>) => texts.map((text): unknown => parse(text))
    assert.deepStrictEqual(parsed(definitions(read("deploy/manifests/crds.yaml"))), parsed(printed))
    assert.include(
      read("deploy/README.md"),
      "helm show crds deploy/chart | kubectl apply --server-side --force-conflicts -f -"
    )
  })

  it("C6: every test is compiled by `npm run check`", () => {
    const { exclude, include } = JSON.parse(read("tsconfig.json")) as {
      readonly include: ReadonlyArray<string>
      readonly exclude?: ReadonlyArray<string>
    }
    assert.include(include, "test")
    assert.isUndefined(exclude)
  })
})
