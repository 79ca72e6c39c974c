/**
 * The Deployment in deploy/manifests (rendered from the chart), held against what the program takes and serves.
 */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { parse as parseYaml } from "yaml"
import { autoAssignLabel, startupTaint } from "../../src/domain/Names.ts"
import { parse } from "../../src/Options.ts"

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
}
interface PodSpec {
  readonly containers: ReadonlyArray<{
    readonly command: ReadonlyArray<string>
    readonly args: ReadonlyArray<string>
    readonly ports: ReadonlyArray<{ readonly name: string; readonly containerPort: number }>
    readonly livenessProbe: Probe
    readonly readinessProbe: Probe
  }>
  readonly tolerations: ReadonlyArray<unknown>
  readonly affinity: unknown
  readonly terminationGracePeriodSeconds: number
}

const { spec } = parseYaml(
  readFileSync(new URL("../../deploy/manifests/deployment.yaml", import.meta.url), "utf8")
) as { readonly spec: { readonly replicas: number; readonly template: { readonly spec: PodSpec } } }
const pod = spec.template.spec
const [container] = pod.containers
const options = Result.getOrThrow(parse(container?.args ?? [], {}))
const portNamed = (name: string) => container?.ports.find((port) => port.name === name)?.containerPort

describe("the operator's pods", () => {
  it("are two, of which one leads", () => {
    assert.strictEqual(spec.replicas, 2)
    assert.isTrue(options.leaderElect)
  })

  it("run the one executable of the image with flags it takes without a warning", () => {
    assert.deepStrictEqual(container?.command, ["/manager"])
    assert.deepStrictEqual(options.warnings, [])
  })

  it("are probed where the program listens", () => {
    assert.deepStrictEqual(container?.livenessProbe.httpGet, { path: "/healthz", port: "health" })
    assert.deepStrictEqual(container?.readinessProbe.httpGet, { path: "/readyz", port: "health" })
    assert.deepStrictEqual(options.healthProbeBindAddress, {
      host: undefined,
      port: portNamed("health") ?? 0
    })
    assert.deepStrictEqual(options.metricsBindAddress, {
      host: undefined,
      port: portNamed("https-metrics") ?? 0
    })
    assert.isTrue(options.metricsSecure)
  })

  it("have more time to end than the program takes, 8 s", () => {
    assert.isAbove(pod.terminationGracePeriodSeconds, 8)
  })

  it("find a place while every node waits for its address, rather on one that gets none", () => {
    assert.deepInclude(pod.tolerations, { key: startupTaint, operator: "Exists" })
    assert.include(JSON.stringify(pod.affinity), autoAssignLabel)
  })
})
