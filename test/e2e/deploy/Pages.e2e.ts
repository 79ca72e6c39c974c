/**
 * What deploy/README.md tells to type to install and to uninstall, typed as it stands there.
 * Rule: the lines are read from the page; the operator is given what the Deployment that they make says.
 */
import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { addressLabel, startupTaint, Tag } from "../../../src/domain/Names.ts"
import { bundle, root } from "../world/Bundle.ts"
import { eventually, missing, there } from "../world/Eventually.ts"
import { namespace } from "../world/OperatorProcess.ts"
import { suite } from "../world/Suite.ts"
import { judge, outsideOfPolicy } from "../world/Verdict.ts"
import { autoAssign, externalIP, firewallRule, type World } from "../world/World.ts"
import { containerOf } from "./Rendered.ts"

const page = readFileSync(join(root, "deploy/README.md"), "utf8")

/** The lines for a shell below a heading that hold these words. */
const linesUnder = (heading: string, words: string): string => {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? ""
  const blocks = [...section.matchAll(/^( *)```sh\n([\s\S]*?)^\1```$/gm)].map(([, , lines = ""]) => lines)
  const [found, ...others] = blocks.filter((lines) => lines.includes(words))
  if (found === undefined || others.length > 0) throw new Error(`${heading}: no one block with ${words}`)
  return found
}

const shell = (world: World["Service"]) => {
  const programs = mkdtempSync(join(world.folder, "programs-"))
  for (const name of ["helm", "kubectl"] as const) symlinkSync(world.assets[name], join(programs, name))
  const program = `#!/bin/sh\nexec "${process.execPath}" "${bundle}" "$@"\n`
  writeFileSync(join(programs, "kubestatic"), program, { mode: 0o755 })
  return (lines: string) =>
    Effect.callback<string>((resume) => {
      execFile(
        "bash",
        ["-euo", "pipefail", "-c", lines],
        {
          cwd: root,
          env: {
            PATH: `${programs}:${process.env.PATH}`,
            HOME: world.folder,
            KUBECONFIG: world.apiServer.kubeconfig
          }
        },
        (error, stdout, stderr) =>
          resume(error === null ? Effect.succeed(stdout) : Effect.die(new Error(`${lines}: ${stderr}`)))
      )
    })
}

suite("deploy/README.md", { asksEc2: false }, (scenario) => {
  scenario(
    "installs, serves a node, and uninstalls with nothing left in EC2 but what was to be kept",
    (world) =>
      Effect.gen(function* () {
        const { cloud, kubectl, wire } = world
        const type = shell(world)
        // A cluster without kubestatic: the world of a suite brings the account and its roles.
        for (const file of ["rbac.yaml", "service-account.yaml"]) {
          yield* kubectl.ok(["delete", "-f", join(root, "deploy/manifests", file)])
        }
        yield* type(linesUnder("Install", "helm install"))
        yield* world.rotateToken
        const deployment = yield* kubectl.ok([
          "get",
          "deployment",
          "kubestatic",
          "-n",
          namespace,
          "-o",
          "json"
        ])
        const { args } = containerOf([JSON.parse(deployment)])
        const operator = yield* world.startOperator({
          flags: args.filter((flag) => !/-bind-address=|--metrics-secure/.test(flag))
        })
        yield* operator.ready
        yield* world.launchNode("served", {
          labels: autoAssign,
          taints: [{ key: startupTaint, effect: "NoSchedule" }]
        })
        yield* kubectl.apply(
          externalIP("kept", { preventEIPDeallocation: true }),
          firewallRule("open", { nodeName: "served" })
        )
        yield* eventually(
          "the node has its address",
          Effect.map(kubectl.get("node", "served"), ({ metadata }) =>
            metadata.labels?.[addressLabel] === undefined
              ? missing(JSON.stringify(metadata))
              : there(undefined)
          )
        )
        yield* world.matches("both worlds agree")
        assert.deepStrictEqual(judge(world).unexplained, [])
        assert.deepStrictEqual(outsideOfPolicy(wire.calls()), [])

        yield* type(linesUnder("Uninstall", "helm uninstall"))
        // As the kubelet ends it.
        assert.strictEqual((yield* operator.end("SIGTERM")).code, 0)
        assert.deepStrictEqual(
          (yield* cloud.addresses).map((address) => address.tags[Tag.externalIPName]),
          ["kept"]
        )
        assert.deepStrictEqual(
          (yield* cloud.groups).filter(({ tags }) => tags[Tag.managed] !== undefined),
          []
        )
        assert.deepStrictEqual(yield* kubectl.list("externalips,firewallrules"), [])
        const node = yield* kubectl.get("node", "served")
        assert.isUndefined(node.metadata.labels?.[addressLabel])
        const left = yield* kubectl.ok([
          "get",
          "crds,clusterroles,clusterrolebindings,roles,rolebindings,deployments,services,serviceaccounts,leases",
          "--all-namespaces",
          "-o",
          "name"
        ])
        assert.deepStrictEqual(
          left.split("\n").filter((name) => name.includes("kubestatic")),
          [
            "customresourcedefinition.apiextensions.k8s.io/externalips.kubestatic.quortex.io",
            "customresourcedefinition.apiextensions.k8s.io/firewallrules.kubestatic.quortex.io",
            "lease.coordination.k8s.io/3a0d74f7.kubestatic.quortex.io"
          ]
        )
      })
  )

  scenario("renews the definitions from the chart, and from the program, to the same", (world) =>
    Effect.gen(function* () {
      const type = shell(world)
      const generations = Effect.map(world.kubectl.list("crds"), (definitions) =>
        definitions.map(({ metadata }) => [metadata.name, metadata.generation])
      )
      const [fromChart = "", fromProgram = "", ...more] = linesUnder("Upgrade", "helm show crds")
        .trim()
        .split("\n")
      assert.deepStrictEqual(more, [])
      const before = yield* generations
      for (const line of [fromChart, fromProgram]) {
        assert.lengthOf((yield* type(line)).match(/serverside-applied/g) ?? [], 2)
        assert.deepStrictEqual(yield* generations, before)
      }
    })
  )
})
