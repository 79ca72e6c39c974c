/**
 * What other things hold on to stays what it was in the Go implementation's chart 0.14.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Helm from "../../../deploy/tools/Helm.ts"
import { parse as parseOptions } from "../../../src/Options.ts"
import { containerOf, deploymentOf, helm, only, render } from "./Rendered.ts"
import { ofGo } from "./Values.ts"

describe("with the values of the Go implementation's chart", () => {
  it("names, labels, ports and secret keys are the same", () => {
    const objects = render(helm(), ofGo)
    const named = (kind: string) => objects.filter((o) => o.kind === kind).map((o) => o.metadata.name)
    assert.deepStrictEqual(named("Deployment"), ["kubestatic"])
    assert.deepStrictEqual(named("ServiceAccount"), ["kubestatic-controller-manager"])
    assert.deepStrictEqual(named("Service"), ["kubestatic-metrics-service"])
    assert.includeMembers(named("ClusterRole"), ["kubestatic-manager-role", "kubestatic-metrics-reader"])
    assert.include(named("Role"), "kubestatic-leader-election-role")
    const selector = { "app.kubernetes.io/name": "kubestatic", "app.kubernetes.io/instance": "kubestatic" }
    const { spec } = deploymentOf(objects)
    assert.deepStrictEqual(spec.selector.matchLabels, selector)
    assert.deepStrictEqual(spec.template.metadata.labels, selector)
    const secret = only(objects, "Secret")
    assert.strictEqual(secret.metadata.name, "kubestatic")
    assert.deepStrictEqual(secret.data, {
      accessKeyId: Buffer.from("AKIAEXAMPLE").toString("base64"),
      secretAccessKey: Buffer.from("secret").toString("base64")
    })
  })

  it("C8: a pod refers to keys of a Secret that is rendered, or to none; one of the two alone is refused", () => {
    const references = (aws: unknown) => {
      const objects = render(helm(), { ...ofGo, aws })
      const asked = (containerOf(objects).env ?? []).flatMap(({ valueFrom }) =>
        valueFrom === undefined ? [] : [(valueFrom as { readonly secretKeyRef: unknown }).secretKeyRef]
      )
      const there = objects
        .filter(({ kind }) => kind === "Secret")
        .flatMap(({ data, metadata: { name } }) => Object.keys(data as object).map((key) => ({ name, key })))
      return { asked, there }
    }
    const both = references(ofGo.aws)
    assert.lengthOf(both.asked, 2)
    assert.deepStrictEqual(both.asked, both.there)
    assert.deepStrictEqual(references({ accessKeyID: "", secretAccessKey: "" }), { asked: [], there: [] })
    for (const one of ["accessKeyID", "secretAccessKey"]) {
      assert.throws(() => references({ [one]: "only" }), /set both or none/)
    }
  })

  it("metrics are where the sidecar served them, and no sidecar is run", () => {
    const portOf = (enabled: boolean) => {
      const objects = render(helm(), { ...ofGo, kubeRBACProxy: { ...ofGo.kubeRBACProxy, enabled } })
      const options = Result.getOrThrow(parseOptions(containerOf(objects).args, {}))
      return {
        service: only(objects, "Service").spec?.ports,
        container: containerOf(objects).ports[0],
        listens: options.metricsBindAddress,
        isSecure: options.metricsSecure,
        reviews: objects.some((o) => o.metadata.name === "kubestatic-proxy-role")
      }
    }
    const port = (name: string, number: number, isSecure: boolean) => ({
      service: [{ name, port: number, targetPort: name, protocol: "TCP" }],
      container: { name, containerPort: number, protocol: "TCP" },
      listens: { host: undefined, port: number },
      isSecure,
      reviews: isSecure
    })
    assert.deepStrictEqual(portOf(true), port("https-metrics", 8443, true))
    assert.deepStrictEqual(portOf(false), port("http-metrics", 8080, false))
  })

  it("the flags mean what the values say, and two flags are warned of", () => {
    const options = Result.getOrThrow(parseOptions(containerOf(render(helm(), ofGo)).args, {}))
    assert.strictEqual(options.clusterId, "production")
    assert.strictEqual(options.vpcId, "vpc-0123456789abcdef0")
    assert.isTrue(options.preventEIPDeallocation)
    assert.isTrue(options.leaderElect)
    assert.strictEqual(options.logLevel, "debug")
    assert.deepStrictEqual(options.warnings, ["--enable-http2 is accepted and does nothing"])
  })

  it("what it hardens is kept where a values file sets an empty map", () => {
    const template = (values: unknown) => deploymentOf(render(helm(), values)).spec.template.spec
    const { podSecurityContext, manager, affinity } = ofGo
    assert.deepStrictEqual(
      template({ podSecurityContext, manager, affinity }).securityContext,
      template({}).securityContext
    )
    assert.deepStrictEqual(template({ affinity }).affinity, template({}).affinity)
    const container = (values: unknown) => containerOf(render(helm(), values))
    assert.deepStrictEqual(container({ manager }).securityContext, container({}).securityContext)
  })

  it("the chart has the version of the program", () => {
    const { version } = JSON.parse(readFileSync(join(Helm.chart, "../../package.json"), "utf8")) as {
      readonly version: string
    }
    const chart = readFileSync(join(Helm.chart, "Chart.yaml"), "utf8")
    assert.include(chart, `\nversion: ${version}\n`)
    assert.include(chart, `\nappVersion: ${version}\n`)
  })
})
