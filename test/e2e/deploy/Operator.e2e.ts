/**
 * The operator with exactly the account and the roles that the chart renders, under its policy for node writes.
 */
import { request } from "node:https"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { addressLabel, startupTaint } from "../../../src/domain/Names.ts"
import { root } from "../world/Bundle.ts"
import { eventually, missing, there } from "../world/Eventually.ts"
import * as Port from "../world/Port.ts"
import { suite } from "../world/Suite.ts"
import { judge } from "../world/Verdict.ts"
import { autoAssign, node } from "../world/World.ts"
import { containerOf, render } from "./Rendered.ts"

const scrape = (port: number, token?: string) =>
  Effect.callback<{ readonly status: number; readonly body: string }>((resume) => {
    const asked = request(
      {
        host: "127.0.0.1",
        port,
        path: "/metrics",
        // Its certificate is self-signed.
        rejectUnauthorized: false,
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` }
      },
      (reply) => {
        let body = ""
        reply.setEncoding("utf8").on("data", (part: string) => {
          body += part
        })
        reply.on("end", () => resume(Effect.succeed({ status: reply.statusCode ?? 0, body })))
      }
    )
    asked.on("error", (error) => resume(Effect.succeed({ status: 0, body: error.message })))
    asked.end()
  })

suite("the operator as the chart installs it", { asksEc2: false }, (scenario) => {
  scenario("serves a node, within its roles and its policy, and shows metrics to whom it may", (world) =>
    Effect.gen(function* () {
      const { assets, kubectl } = world
      yield* kubectl.ok([
        "apply",
        "-f",
        join(root, "deploy/manifests/components/admission-policy/admission-policy.yaml")
      ])
      const { args } = containerOf(render(assets.helm, { cloudProvider: "simulated" }))
      const metrics = yield* Port.free
      const operator = yield* world.startOperator({
        flags: [
          ...args.filter((flag) => !/-bind-address=/.test(flag)),
          `--metrics-bind-address=127.0.0.1:${metrics}`
        ]
      })
      yield* operator.ready
      const taints = [{ key: startupTaint, effect: "NoSchedule" }]
      yield* kubectl.apply(node("served", { labels: autoAssign, taints }))
      const served = yield* eventually(
        "the node has its address",
        Effect.map(kubectl.get("node", "served"), (found) =>
          found.metadata.labels?.[addressLabel] !== undefined &&
          !JSON.stringify(found.spec?.taints ?? []).includes(startupTaint)
            ? there(found)
            : missing(JSON.stringify(found))
        )
      )
      yield* kubectl.ok(["wait", "externalip", "--all", "--for=condition=Ready", "--timeout=60s"])
      const [address] = yield* kubectl.list("externalips")
      assert.strictEqual(address?.status?.publicIPAddress, served.metadata.labels?.[addressLabel])

      assert.strictEqual((yield* scrape(metrics)).status, 401)
      yield* kubectl.ok(["create", "serviceaccount", "scraper", "-n", "default"])
      const token = (yield* kubectl.ok(["create", "token", "scraper", "-n", "default"])).trim()
      assert.strictEqual((yield* scrape(metrics, token)).status, 403)
      yield* kubectl.ok([
        "create",
        "clusterrolebinding",
        "scraper",
        "--clusterrole=kubestatic-metrics-reader",
        "--serviceaccount=default:scraper"
      ])
      yield* eventually(
        "the scraper is let in",
        Effect.map(scrape(metrics, token), ({ body, status }) =>
          status === 200 && body.includes("kubestatic_leader")
            ? there(undefined)
            : missing(`${status} ${body}`)
        )
      )

      yield* kubectl.ok(["delete", "externalip", "--all", "--timeout=60s"])
      assert.strictEqual((yield* operator.end("SIGTERM")).code, 0)
      assert.deepStrictEqual(judge(world).unexplained, [])
    })
  )
})
