/** What the API server says of custom resources: the tables of verdicts that are computed here, held against it. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { all as ours } from "../../src/domain/Crd.ts"
import { accepted, type Row, refused } from "../domain/AdmissionTable.ts"
import { corpus, harmless, permissive } from "../domain/Corpus.ts"
import { updates } from "../domain/UpdateTable.ts"
import { use } from "./world/Definitions.ts"
import { suite } from "./world/Suite.ts"
import type { World } from "./world/World.ts"

type Of = World["Service"]
type Fields = Readonly<Record<string, unknown>>

const plural = { ExternalIP: "externalips", FirewallRule: "firewallrules" } as Readonly<
  Record<string, string>
>
const collection = (kind: string): string => `/apis/kubestatic.quortex.io/v1alpha1/${plural[kind]}`

interface Status extends Fields {
  readonly spec?: Fields
  readonly details?: {
    readonly causes?: ReadonlyArray<{ readonly field?: string; readonly message?: string }>
  }
}

const create = (world: Of, { object }: Row, query = "") =>
  Effect.map(
    world.apiServer.request({ method: "POST", path: `${collection(object.kind)}${query}`, body: object }),
    ({ body, status }) => ({ status, answer: JSON.parse(body) as Status })
  )

/** With wrong types or sizes the API server does not run CEL, and says so in a cause that names no field. */
const causesOf = (answer: Status) =>
  (answer.details?.causes ?? [])
    .filter(({ field }) => field !== "<nil>")
    .map(({ field, message }) => [String(field), String(message)] as const)

const apply = (world: Of, which: "ours" | "permissive") =>
  use(
    world,
    which === "ours"
      ? { definitions: ours, refuseTheProbe: true }
      : { definitions: permissive, refuseTheProbe: false }
  )

suite("admission", { asksEc2: false }, (scenario) => {
  scenario("every object that is said to be accepted is, and is stored as said", (world) =>
    Effect.forEach(
      accepted,
      Effect.fnUntraced(function* (row) {
        const { answer, status } = yield* create(world, row, "?dryRun=All")
        assert.strictEqual(status, 201, `${row.what}: ${JSON.stringify(answer)}`)
        for (const [member, value] of Object.entries(row.stored)) {
          assert.deepStrictEqual(answer.spec?.[member], value, `${row.what}: ${member}`)
        }
      })
    )
  )

  scenario(
    "every object that is said to be refused is, for the causes said, and in no other words",
    (world) =>
      Effect.forEach(
        refused,
        Effect.fnUntraced(function* (row) {
          const { answer, status } = yield* create(world, row, "?dryRun=All")
          assert.strictEqual(status, 422, row.what)
          assert.sameDeepMembers(causesOf(answer), [...row.causes], row.what)
        })
      )
  )

  scenario("kubectl prints a refusal that a person can act on", (world) =>
    Effect.gen(function* () {
      const { object } = refused.find((row) => row.what === "a last port below the first") ?? assert.fail()
      const printed = yield* world.kubectl.run(["apply", "-f", "-"], JSON.stringify(object))
      assert.strictEqual(printed.code, 1)
      assert.match(
        printed.stderr,
        /FirewallRule .*"r" is invalid: .*spec\.toPort: .*must not be below fromPort/
      )
      const explained = yield* world.kubectl.ok(["explain", "firewallrule.spec.publicIPAddress"])
      assert.include(explained, "Opens the rule on the node where the ExternalIP")
    })
  )

  scenario("objects stored before a rule was made can be patched, and what changes is judged", (world) =>
    Effect.gen(function* () {
      yield* apply(world, "permissive")
      for (const { stored } of updates) {
        const { answer, status } = yield* create(world, { what: "", object: stored })
        assert.strictEqual(status, 201, JSON.stringify(answer))
        if (stored.status === undefined) continue
        const put = yield* world.apiServer.request({
          method: "PATCH",
          path: `${collection(stored.kind)}/${stored.metadata.name}/status`,
          body: { status: stored.status },
          contentType: "application/merge-patch+json"
        })
        assert.strictEqual(put.status, 200, put.body)
      }
      yield* apply(world, "ours")
      for (const { causes, patch, stored, subresource, what } of updates) {
        const reply = yield* world.apiServer.request({
          method: "PATCH",
          path: `${collection(stored.kind)}/${stored.metadata.name}${subresource === undefined ? "" : `/${subresource}`}`,
          body: patch,
          contentType: "application/merge-patch+json"
        })
        assert.sameDeepMembers(causesOf(JSON.parse(reply.body) as Status), [...causes], what)
        assert.strictEqual(reply.status, causes.length === 0 ? 200 : 422, `${what}: ${reply.body}`)
      }
      for (const { stored } of updates) {
        yield* world.kubectl.ok(["delete", plural[stored.kind] ?? "", String(stored.metadata.name)])
      }
    })
  )

  scenario(
    "objects of the Go implementation are labelled, given a status and deleted under our definitions",
    (world) =>
      Effect.gen(function* () {
        yield* apply(world, "permissive")
        for (const { name, object } of corpus) {
          const { answer, status } = yield* create(world, { what: name, object })
          assert.strictEqual(status, 201, `${name}: ${JSON.stringify(answer)}`)
        }
        yield* apply(world, "ours")
        for (const { name, object } of corpus) {
          const path = `${collection(object.kind)}/${object.metadata.name}`
          for (const { patch, subresource, what } of harmless) {
            const reply = yield* world.apiServer.request({
              method: "PATCH",
              path: subresource === undefined ? path : `${path}/${subresource}`,
              body: patch,
              contentType: "application/merge-patch+json"
            })
            assert.strictEqual(reply.status, 200, `${name}, ${what}: ${reply.body}`)
          }
          yield* world.apiServer.request({
            method: "PATCH",
            path,
            body: { metadata: { finalizers: null } },
            contentType: "application/merge-patch+json"
          })
          const deleted = yield* world.apiServer.request({ method: "DELETE", path })
          assert.strictEqual(deleted.status, 200, `${name}: ${deleted.body}`)
        }
        assert.deepStrictEqual(yield* world.kubectl.list("externalips,firewallrules"), [])
      })
  )
})
