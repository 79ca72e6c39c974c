import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { suite } from "../world/Suite.ts"
import { deploymentOf, render } from "./Rendered.ts"
import { others } from "./Values.ts"

const namespace = (name: string, level: string) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels: { "pod-security.kubernetes.io/enforce": level } }
})

type Fields = Readonly<Record<string, unknown>>

/** Pod security admission refuses pods, and only warns of their templates. */
const podOf = (
  helm: string,
  values: unknown,
  also: { readonly metadata?: Fields; readonly spec?: Fields } = {}
) => {
  const { template } = deploymentOf(render(helm, values)).spec
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "kubestatic", ...template.metadata, ...also.metadata },
    spec: { ...template.spec, ...also.spec }
  }
}

suite("a namespace with pod security restricted", { asksEc2: false }, (scenario) => {
  scenario("takes the pods of the chart, with default and other values", ({ assets, kubectl }) =>
    Effect.gen(function* () {
      yield* kubectl.apply(namespace("strict", "restricted"))
      const tried = [{}, ...others.map(([values]) => values)]
        // No such class on this server, whose admission asks for it.
        .filter((values) => !("priorityClassName" in values))
        .map((values, n) => podOf(assets.helm, values, { metadata: { name: `pod-${n}` } }))
      const create = (...pods: ReadonlyArray<unknown>) =>
        kubectl.run(
          ["create", "--dry-run=server", "-n", "strict", "-f", "-"],
          JSON.stringify({ apiVersion: "v1", kind: "List", items: pods })
        )
      const printed = yield* create(...tried)
      assert.strictEqual(printed.code, 0, printed.stderr)
      assert.strictEqual(printed.stdout.trim().split("\n").length, tried.length)
      assert.notInclude(printed.stderr, "PodSecurity")
      const loose = yield* create(podOf(assets.helm, {}, { spec: { hostNetwork: true } }))
      assert.notStrictEqual(loose.code, 0)
      assert.match(loose.stderr, /violates PodSecurity "restricted:latest"/)
    })
  )

  scenario("the root is read-only, nothing is mounted that is not asked for", ({ assets }) =>
    Effect.sync(() => {
      const { spec } = podOf(assets.helm, {})
      assert.isUndefined(spec.volumes)
      assert.strictEqual(spec.hostNetwork, undefined)
      assert.deepStrictEqual(spec.containers[0]?.securityContext, {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
        privileged: false,
        readOnlyRootFilesystem: true
      })
    })
  )
})
