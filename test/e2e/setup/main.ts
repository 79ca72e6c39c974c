/**
 * `npm run e2e:setup`: makes sure that everything the end-to-end suites run against is there.
 * Rule: prints what it does and how long it takes; what is there already is not touched.
 */
import { type Assets, inWords, locate, titles } from "./Assets.ts"
import { obtain } from "./Obtain.ts"

const before = locate(process.env)
if (before._tag === "Incomplete") {
  if (process.env.KUBEBUILDER_ASSETS && before.missing.some((m) => m === "etcd" || m === "kubeApiserver")) {
    process.stderr.write("KUBEBUILDER_ASSETS is set, but holds no etcd and kube-apiserver\n")
    process.exit(1)
  }
  await obtain(before.missing, process.env)
}
const after = locate(process.env)
if (after._tag === "Incomplete") {
  process.stderr.write(`e2e:setup  still missing: ${inWords(after.missing)}\n`)
  process.exit(1)
}
for (const [name, path] of Object.entries(after.assets)) {
  process.stdout.write(`e2e:setup  ${titles[name as keyof Assets]}: ${path}\n`)
}
