/**
 * Before the end-to-end suites: builds the bundle they run, and says what they run against.
 * Rule: the operator under test is built from the sources under test.
 */
import { execFileSync } from "node:child_process"
import { inWords, locate } from "../setup/Assets.ts"
import { bundle, root } from "./Bundle.ts"

const first = (command: string, args: ReadonlyArray<string>): string =>
  execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).split("\n")[0] ?? ""

export default function build(): void {
  const located = locate(process.env)
  if (located._tag === "Incomplete") throw new Error(`missing: ${inWords(located.missing)}`)
  const { etcd, helm, kubectl, kubeApiserver, python } = located.assets
  execFileSync("npm", ["run", "build", "--silent"], { cwd: root, stdio: ["ignore", "ignore", "inherit"] })
  const packages =
    "import sys, importlib.metadata as m; print('moto', m.version('moto'), 'on Python', sys.version.split()[0])"
  process.stdout.write(
    [
      "",
      "The end-to-end suites run against",
      `  ${first(etcd, ["--version"])}`,
      `  kube-apiserver ${first(kubeApiserver, ["--version"])}`,
      `  kubectl ${first(kubectl, ["version", "--client"])}`,
      `  helm ${first(helm, ["version", "--short"])}`,
      `  EC2 emulator: ${first(python, ["-c", packages])}`,
      `  the bundle: ${first(process.execPath, [bundle, "version"])}`,
      "",
      ""
    ].join("\n")
  )
}
