/**
 * The ValidatingAdmissionPolicy of the chart, by rows: what the operator's account may patch of a node, and what not.
 * Rule: every row that is refused would be accepted by RBAC alone.
 */
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { addressLabel, autoAssignLabel, startupTaint } from "../../../src/domain/Names.ts"
import { root } from "../world/Bundle.ts"
import { eventually, missing, there } from "../world/Eventually.ts"
import { user } from "../world/OperatorProcess.ts"
import { suite } from "../world/Suite.ts"

const started = { key: startupTaint, value: "true", effect: "NoSchedule" }
const foreign = { key: "dedicated", value: "edge", effect: "NoSchedule" }

/** The API server's own admission puts it on every new node. */
const unready = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }

const node = {
  apiVersion: "v1",
  kind: "Node",
  metadata: {
    name: "guarded",
    labels: { [autoAssignLabel]: "true", zone: "a" },
    annotations: { owner: "team" },
    finalizers: ["example.test/keep"]
  },
  spec: { providerID: "aws:///a/i-0", taints: [started, foreign] }
}

const allowed: ReadonlyArray<readonly [string, unknown]> = [
  ["sets the address label", { metadata: { labels: { [addressLabel]: "203.0.113.10" } } }],
  ["changes the address label", { metadata: { labels: { [addressLabel]: "203.0.113.11" } } }],
  ["removes the address label", { metadata: { labels: { [addressLabel]: null } } }],
  ["changes nothing", {}],
  ["removes the startup taint", { spec: { taints: [unready, foreign] } }],
  [
    "does both at once",
    { metadata: { labels: { [addressLabel]: "203.0.113.10" } }, spec: { taints: [unready, foreign] } }
  ]
]

const refused: ReadonlyArray<readonly [string, unknown, RegExp]> = [
  ["sets another label", { metadata: { labels: { "node-role.kubernetes.io/control-plane": "" } } }, /labels/],
  ["changes another label", { metadata: { labels: { zone: "b" } } }, /labels/],
  ["removes another label", { metadata: { labels: { zone: null } } }, /labels/],
  ["takes the auto-assign label", { metadata: { labels: { [autoAssignLabel]: null } } }, /labels/],
  ["removes all labels", { metadata: { labels: { zone: null, [autoAssignLabel]: null } } }, /labels/],
  ["puts no address into its label", { metadata: { labels: { [addressLabel]: "true" } } }, /IPv4/],
  ["removes another taint", { spec: { taints: [started, unready] } }, /taints/],
  ["removes all taints", { spec: { taints: null } }, /taints/],
  ["adds a taint", { spec: { taints: [started, unready, foreign, { ...foreign, key: "other" }] } }, /taints/],
  [
    "changes a taint's effect",
    { spec: { taints: [started, unready, { ...foreign, effect: "NoExecute" }] } },
    /taints/
  ],
  [
    "changes the startup taint instead of removing it",
    { spec: { taints: [{ ...started, effect: "NoExecute" }, unready, foreign] } },
    /taints/
  ],
  ["cordons", { spec: { unschedulable: true } }, /spec/],
  ["gives a pod range", { spec: { podCIDR: "10.1.0.0/24", podCIDRs: ["10.1.0.0/24"] } }, /spec/],
  ["sets an annotation", { metadata: { annotations: { a: "b" } } }, /annotations/],
  ["removes an annotation", { metadata: { annotations: { owner: null } } }, /annotations/],
  ["removes a finalizer", { metadata: { finalizers: null } }, /finalizers/],
  [
    "sets an owner",
    { metadata: { ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "p", uid: "1" }] } },
    /owners/
  ]
]

suite("the policy for writes of nodes", { asksEc2: false }, (scenario) => {
  scenario("lets the operator change its label and remove its taint, and nothing else", ({ kubectl }) =>
    Effect.gen(function* () {
      yield* kubectl.apply(node)
      const patch = (change: unknown, as = user) =>
        kubectl.run([
          "patch",
          "node",
          "guarded",
          "--dry-run=server",
          "--type=merge",
          `--as=${as}`,
          "-p",
          JSON.stringify(change)
        ])
      for (const [what, change] of refused) {
        const before = yield* patch(change)
        assert.strictEqual(before.code, 0, `RBAC alone lets it: ${what}: ${before.stderr}`)
      }
      yield* kubectl.ok([
        "apply",
        "-f",
        join(root, "deploy/manifests/components/admission-policy/admission-policy.yaml")
      ])
      // The API server takes a moment to read a new policy.
      yield* eventually(
        "the policy is in force",
        Effect.map(patch({ spec: { unschedulable: true } }), (printed) =>
          printed.code === 0 ? missing("a cordon is let through") : there(undefined)
        )
      )
      for (const [what, change] of allowed) {
        const printed = yield* patch(change)
        assert.strictEqual(printed.code, 0, `${what}: ${printed.stderr}`)
      }
      for (const [what, change, reason] of refused) {
        const printed = yield* patch(change)
        assert.notStrictEqual(printed.code, 0, what)
        assert.match(
          printed.stderr,
          /ValidatingAdmissionPolicy 'kubestatic-node-writes'.*denied request/s,
          what
        )
        assert.match(printed.stderr, reason, what)
      }
      // Of others it asks nothing.
      yield* kubectl.ok(["cordon", "guarded", "--dry-run=server"])
    })
  )
})
