/**
 * Every file of deploy/examples is applied, with an operator at work beside it.
 * Rule: a file that no scenario names fails the suite.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { parse as parseYaml } from "yaml"
import { addressLabel, startupTaint } from "../../../src/domain/Names.ts"
import { root } from "../world/Bundle.ts"
import { eventually, missing, there } from "../world/Eventually.ts"
import type { Manifest } from "../world/Kubectl.ts"
import { suite } from "../world/Suite.ts"
import { node, type World } from "../world/World.ts"
import { containerOf, render } from "./Rendered.ts"

const folder = join(root, "deploy/examples")
const seen = new Set<string>()
/** The address that the examples speak of is one for documentation (RFC 5737). */
const written = "203.0.113.10"

const text = (path: string): string => {
  seen.add(path)
  return readFileSync(join(folder, path), "utf8")
}

type TheWorld = World["Service"]

const apply = (world: TheWorld, path: string, address = written) =>
  world.kubectl.ok(
    ["apply", "--server-side", "--validate=strict", "-f", "-"],
    text(path).replaceAll(written, address)
  )

/** With the flags that the chart renders from the values of kind/. */
const startOperator = (world: TheWorld) =>
  Effect.gen(function* () {
    const { args } = containerOf(render(world.assets.helm, parseYaml(text("kind/values.yaml"))))
    const operator = yield* world.startOperator({
      flags: [
        ...args.filter((flag) => !/-bind-address=|--metrics-secure/.test(flag)),
        // The next scenario's operator need not wait for the lease of one that was killed.
        "--leader-elect=false"
      ]
    })
    yield* operator.ready
    return operator
  })

const has = (world: TheWorld, kind: string, name: string, what: string, is: (found: Manifest) => boolean) =>
  eventually(
    `${kind} ${name} ${what}`,
    Effect.map(world.kubectl.get(kind, name), (found) =>
      is(found) ? there(found) : missing(JSON.stringify(found))
    )
  )

const isServed = ({ metadata, spec }: Manifest): boolean =>
  metadata.labels?.[addressLabel] !== undefined && !JSON.stringify(spec?.taints ?? []).includes(startupTaint)

const remove = (world: TheWorld, ...nodes: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    yield* world.kubectl.ok(["delete", "nodes", ...nodes])
    yield* world.kubectl.ok(["delete", "externalips,firewallrules", "--all", "--timeout=60s"])
  })

interface Taint {
  readonly key: string
  readonly value?: string
  readonly effect: string
}
interface Registration {
  readonly labels: Readonly<Record<string, string>>
  readonly taints: ReadonlyArray<Taint>
}

/** As a kubelet registers it that was started with these labels and taints. */
const registered = (name: string, { labels, taints }: Registration) =>
  node(name, { labels, taints: taints.map((taint) => ({ ...taint })) })

suite("deploy/examples", { asksEc2: false }, (scenario) => {
  scenario("nodes of the Karpenter pool are served", (world) =>
    Effect.gen(function* () {
      const { kubectl } = world
      yield* kubectl.ok(["apply", "-f", join(root, "test/e2e/deploy/foreign/crds.yaml")])
      yield* kubectl.ok(["wait", "--for=condition=Established", "crd", "--all"])
      yield* apply(world, "karpenter.yaml")
      yield* startOperator(world)
      const pool = (yield* kubectl.get("nodepool", "public")) as Manifest & {
        readonly spec: {
          readonly template: {
            readonly metadata: { readonly labels: Registration["labels"] }
            readonly spec: { readonly startupTaints: ReadonlyArray<Taint> }
          }
        }
      }
      const { metadata, spec } = pool.spec.template
      yield* kubectl.apply(registered("karpenter", { labels: metadata.labels, taints: spec.startupTaints }))
      yield* has(world, "node", "karpenter", "is served", isServed)
      yield* remove(world, "karpenter")
    })
  )

  scenario("nodes of the managed node group are served", (world) =>
    Effect.gen(function* () {
      yield* startOperator(world)
      const { managedNodeGroups } = parseYaml(text("eksctl.yaml")) as {
        readonly managedNodeGroups: ReadonlyArray<Registration>
      }
      assert.strictEqual(managedNodeGroups.length, 1)
      for (const group of managedNodeGroups) yield* world.kubectl.apply(registered("managed", group))
      yield* has(world, "node", "managed", "is served", isServed)
      yield* remove(world, "managed")
    })
  )

  scenario("the workers of the kind cluster are served", (world) =>
    Effect.gen(function* () {
      yield* startOperator(world)
      const { nodes } = parseYaml(text("kind/cluster.yaml")) as {
        readonly nodes: ReadonlyArray<{
          readonly labels?: Registration["labels"]
          readonly kubeadmConfigPatches?: ReadonlyArray<string>
        }>
      }
      const workers = nodes.flatMap(({ labels, kubeadmConfigPatches: [patch] = [] }) => {
        if (labels === undefined || patch === undefined) return []
        const { nodeRegistration } = parseYaml(patch) as {
          readonly nodeRegistration: { readonly taints: ReadonlyArray<Taint> }
        }
        return [{ labels, taints: nodeRegistration.taints }]
      })
      assert.strictEqual(workers.length, 2)
      const names = workers.map((_, n) => `kind-${n}`)
      for (const [n, worker] of workers.entries()) yield* world.kubectl.apply(registered(`kind-${n}`, worker))
      for (const name of names) yield* has(world, "node", name, "is served", isServed)
      yield* remove(world, ...names)
    })
  )

  scenario("a pod that asks for an address gets it on a new node, and rules follow it there", (world) =>
    Effect.gen(function* () {
      const { kubectl } = world
      yield* startOperator(world)
      const labels = { "kubestatic.quortex.io/externalip-auto-assign": "true" }
      yield* kubectl.apply(node("pod-a", { labels }), node("pod-b", { labels }))
      yield* has(world, "node", "pod-a", "is served", isServed)
      const before = yield* has(world, "node", "pod-b", "is served", isServed)
      const address = before.metadata.labels?.[addressLabel] ?? ""
      const isOpenOn = (name: string) =>
        Effect.all(
          ["game-server", "game-server-admin"].map((rule) =>
            has(
              world,
              "firewallrule",
              rule,
              `is open on ${name}`,
              ({ status }) => status?.state === "Applied" && status.nodeName === name
            )
          )
        )
      yield* apply(world, "rules-follow-an-address.yaml", address)
      yield* isOpenOn("pod-b")
      yield* apply(world, "pod-asks-for-an-address.yaml", address)
      // What the controllers of a whole cluster would do.
      const deployment = yield* kubectl.get("deployment", "game-server")
      const { template } = deployment.spec as {
        readonly template: { readonly metadata: object; readonly spec: object }
      }
      yield* kubectl.apply({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { ...template.metadata, name: "game-server-0", namespace: "default" },
        spec: template.spec
      })
      yield* kubectl.ok(["delete", "nodes", "pod-a", "pod-b"])
      yield* kubectl.ok([
        "wait",
        "externalip",
        "--all",
        "--for=jsonpath={.status.state}=Reserved",
        "--timeout=60s"
      ])
      yield* kubectl.apply(node("pod-c", { labels }))
      const after = yield* has(world, "node", "pod-c", "is served", isServed)
      assert.strictEqual(after.metadata.labels?.[addressLabel], address)
      yield* isOpenOn("pod-c")
      yield* remove(world, "pod-c")
    })
  )

  scenario("a kept address is taken again by an ExternalIP of its name", (world) =>
    Effect.gen(function* () {
      const { kubectl } = world
      yield* startOperator(world)
      const reserved = Effect.gen(function* () {
        yield* apply(world, "keep-an-address.yaml")
        const found = yield* has(
          world,
          "externalip",
          "partner-allowlist",
          "is reserved",
          ({ status }) => status?.state === "Reserved"
        )
        return found.status?.addressID
      })
      const first = yield* reserved
      yield* kubectl.ok(["delete", "externalip", "partner-allowlist", "--timeout=60s"])
      assert.strictEqual(yield* reserved, first)
      yield* kubectl.ok(["delete", "externalip", "partner-allowlist", "--timeout=60s"])
    })
  )

  scenario("an address and a rule of one's own", (world) =>
    Effect.gen(function* () {
      yield* startOperator(world)
      yield* apply(world, "edge.yaml")
      yield* world.kubectl.ok([
        "wait",
        "externalip/edge",
        "firewallrule/https",
        "--for=condition=Ready",
        "--timeout=60s"
      ])
      yield* has(world, "node", "node-b", "is served", isServed)
      yield* remove(world, "node-a", "node-b")
    })
  )

  scenario("no example is left out, and the table names each", () =>
    Effect.sync(() => {
      const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((f) =>
        f.endsWith(".yaml")
      )
      assert.sameMembers(
        files,
        // Built and applied with the other manifests.
        [...seen, "kustomize/kustomization.yaml"]
      )
      const table = readFileSync(join(folder, "README.md"), "utf8")
      for (const file of files) assert.include(table, `(${file.replace(/^kind\/.*/, "kind")}`)
    })
  )
})
