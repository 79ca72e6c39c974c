/**
 * `npm run manifests`: writes deploy/manifests anew, with the helm of KUBESTATIC_HELM, of PATH, or the one that
 * `npm run e2e:setup` fetched.
 * Rule: run after every change of the chart; a test fails where it was forgotten.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { cached, onPath } from "../../test/e2e/setup/Assets.ts"
import { render } from "./Manifests.ts"

const { env } = process
for (const { content, path } of render(env.KUBESTATIC_HELM ?? onPath("helm", env) ?? cached(env).helm)) {
  const target = new URL(`../manifests/${path}`, import.meta.url)
  mkdirSync(new URL(".", target), { recursive: true })
  writeFileSync(target, content)
}
