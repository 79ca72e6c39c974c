/**
 * helm upgrade in the place of a release of the Go implementation, and helm rollback to it: on a real API server, which
 * refuses to change selectors of a Deployment and references of a binding.
 */
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import * as Helm from "../../../deploy/tools/Helm.ts"
import { root } from "../world/Bundle.ts"
import type { Manifest } from "../world/Kubectl.ts"
import { suite } from "../world/Suite.ts"
import type { Deployment } from "./Rendered.ts"
import { ofGo } from "./Values.ts"

const release = "kubestatic-go"
const namespace = "go"
const chartOfGo = join(root, "test/e2e/deploy/foreign/chart")

const kinds =
  "deployments,services,serviceaccounts,secrets,roles,rolebindings,clusterroles,clusterrolebindings,poddisruptionbudgets"

suite("in the place of a release of the Go implementation", { asksEc2: false }, (scenario) => {
  scenario(
    "helm upgrade changes what is there and makes none of it anew; helm rollback leads back",
    (world) =>
      Effect.gen(function* () {
        const { apiServer, assets, kubectl } = world
        const helm = (args: ReadonlyArray<string>, values?: unknown) =>
          Effect.sync(() =>
            Helm.run(
              assets.helm,
              [...args, "--namespace", namespace, "--kubeconfig", apiServer.kubeconfig],
              values
            )
          )
        const succeeds = (args: ReadonlyArray<string>, values?: unknown) =>
          Effect.tap(helm(args, values), ({ code, stderr }) =>
            Effect.sync(() => assert.strictEqual(code, 0, stderr))
          )
        const key = ({ kind, metadata }: Manifest) => `${kind}/${metadata.name}`
        const ofRelease = Effect.map(kubectl.list(kinds, "--all-namespaces"), (objects) =>
          objects.filter(({ metadata }) => metadata.name.startsWith(release))
        )
        const deployment = Effect.map(
          kubectl.ok(["get", "deployment", release, "-n", namespace, "-o", "json"]),
          (text) => JSON.parse(text) as Deployment
        )
        const containers = Effect.map(deployment, ({ spec }) =>
          spec.template.spec.containers.map(({ image, name }) => [name, image])
        )

        yield* succeeds(["install", release, chartOfGo, "--create-namespace"])
        const before = yield* ofRelease
        const goContainers = yield* containers
        assert.lengthOf(goContainers, 2)

        const unset = yield* helm(["upgrade", release, Helm.chart], { ...ofGo, clusterId: "unset" })
        assert.notStrictEqual(unset.code, 0)
        assert.match(unset.stderr, /adoptClusterIds: \[unset\]/)
        assert.deepStrictEqual(yield* containers, goContainers)

        // The values of the old release alone: nothing of what is new in this chart.
        const reused = yield* helm([
          "upgrade",
          release,
          Helm.chart,
          "--reuse-values",
          "--set",
          "clusterId=production"
        ])
        assert.notStrictEqual(reused.code, 0)
        assert.match(reused.stderr, /missing properties? .*'metrics'/)
        assert.deepStrictEqual(yield* containers, goContainers)

        const upgraded = yield* succeeds(["upgrade", release, Helm.chart], ofGo)
        assert.match(
          upgraded.stdout,
          /manager\.image\.repository is where the images of the Go implementation are/
        )
        const after = yield* ofRelease
        const uids = (objects: ReadonlyArray<Manifest>) =>
          Object.fromEntries(objects.map((o) => [key(o), o.metadata.uid]))
        // Nobody asks the webhook any more: the schema and the operator judge.
        const gone = before.map(key).filter((name) => uids(after)[name] === undefined)
        assert.deepStrictEqual(gone, [`Service/${release}-webhook-service`])
        for (const object of before.filter((o) => !gone.includes(key(o)))) {
          assert.strictEqual(uids(after)[key(object)], object.metadata.uid, key(object))
        }
        const swapped = yield* deployment
        assert.deepStrictEqual(
          swapped.spec.template.spec.containers.map(({ name }) => name),
          ["manager"]
        )
        assert.isUndefined(swapped.spec.template.spec.volumes)

        yield* succeeds(["rollback", release, "1"])
        assert.deepStrictEqual(yield* containers, goContainers)
        assert.deepStrictEqual((yield* ofRelease).map(key).toSorted(), before.map(key).toSorted())
        yield* succeeds(["uninstall", release])
      })
  )
})
