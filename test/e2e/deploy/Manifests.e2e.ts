import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { render } from "../../../deploy/tools/Manifests.ts"
import { root } from "../world/Bundle.ts"
import { suite } from "../world/Suite.ts"

const folder = join(root, "deploy/manifests")
/** Written by hand. */
const own = /(^|\/)kustomization\.yaml$|^namespace\.yaml$/

suite("deploy/manifests", { asksEc2: false }, (scenario) => {
  scenario("is what the chart renders (else: npm run manifests)", ({ assets }) =>
    Effect.sync(() => {
      const rendered = render(assets.helm)
      for (const { content, path } of rendered) {
        assert.strictEqual(readFileSync(join(folder, path), "utf8"), content, path)
      }
      assert.sameMembers(
        readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
          (path) => path.endsWith(".yaml") && !own.test(path)
        ),
        rendered.map(({ path }) => path)
      )
    })
  )

  scenario("is accepted as a whole, and so is the overlay of the examples with every component", (world) =>
    Effect.gen(function* () {
      const { kubectl } = world
      yield* kubectl.ok(["apply", "-f", join(root, "test/e2e/deploy/foreign/crds.yaml")])
      yield* kubectl.ok(["wait", "--for=condition=Established", "crd", "--all"])
      for (const path of ["deploy/manifests", "deploy/examples/kustomize"]) {
        const built = yield* kubectl.ok(["kustomize", join(root, path)])
        assert.include(built, "kind: Deployment")
        yield* kubectl.ok(
          ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-"],
          built
        )
      }
      const overlay = yield* kubectl.ok(["kustomize", join(root, "deploy/examples/kustomize")])
      for (const word of ["NetworkPolicy", "ValidatingAdmissionPolicy", "ServiceMonitor", "AWS_REGION"]) {
        assert.include(overlay, word)
      }
    })
  )
})
