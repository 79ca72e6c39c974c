/**
 * helm install, upgrade and uninstall, against a real API server.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import * as Helm from "../../../deploy/tools/Helm.ts"
import { suite } from "../world/Suite.ts"
import { externalIP, type World } from "../world/World.ts"

/** Names of its own: the world of a suite has a kubestatic in the namespace kubestatic. */
const helmIn = (world: World["Service"]) => (args: ReadonlyArray<string>, values?: unknown) =>
  Effect.sync(() => {
    const printed = Helm.run(
      world.assets.helm,
      [...args, "--namespace", "edge", "--kubeconfig", world.apiServer.kubeconfig],
      values
    )
    assert.strictEqual(printed.code, 0, printed.stderr)
    return printed.stdout
  })

suite("helm", { asksEc2: false }, (scenario) => {
  scenario("installs, upgrades and uninstalls; objects and their definitions stay", (world) =>
    Effect.gen(function* () {
      const { kubectl } = world
      const helm = helmIn(world)
      const installed = yield* helm(["install", "edge", Helm.chart, "--create-namespace"], {
        kubeRBACProxy: { image: { tag: "v0.8.0" } }
      })
      assert.match(installed, /kubectl label node NODE kubestatic\.quortex\.io\/externalip-auto-assign=true/)
      assert.match(installed, /rollout status deployment\/edge-kubestatic/)
      assert.match(installed, /No AWS credentials are set/)
      assert.match(installed, /set\s+manager\.image\.repository/)
      assert.match(installed, /kubeRBACProxy\.image and kubeRBACProxy\.resources mean nothing/)
      assert.notMatch(installed, /Helm does not upgrade CRDs/)
      yield* kubectl.apply(externalIP("stays"))

      const upgraded = yield* helm(["upgrade", "edge", Helm.chart], {
        cloudProvider: "simulated",
        manager: { image: { repository: "example.test/kubestatic" } }
      })
      assert.match(upgraded, /with a simulated EC2/)
      assert.match(upgraded, /\/manager crds \|\n +kubectl apply --server-side --force-conflicts -f -/)
      assert.notMatch(upgraded, /credentials|manager\.image\.repository/)
      const deployment = yield* kubectl.ok([
        "get",
        "deployment",
        "edge-kubestatic",
        "-n",
        "edge",
        "-o",
        "json"
      ])
      assert.include(deployment, "--cloud-provider=simulated")
      assert.include(deployment, "example.test/kubestatic:0.15.0")

      yield* helm(["uninstall", "edge"])
      const left = yield* kubectl.ok([
        "get",
        "clusterroles,clusterrolebindings,roles,rolebindings,serviceaccounts,deployments,services",
        "--all-namespaces",
        "-l",
        "app.kubernetes.io/instance=edge",
        "-o",
        "name"
      ])
      assert.strictEqual(left.trim(), "")
      assert.strictEqual((yield* kubectl.get("externalip", "stays")).metadata.name, "stays")
      yield* kubectl.ok([
        "get",
        "crd",
        "externalips.kubestatic.quortex.io",
        "firewallrules.kubestatic.quortex.io"
      ])
    })
  )
})
