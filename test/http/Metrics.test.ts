/**
 * /metrics over HTTP and HTTPS: the format, the names that are API, and who is let in.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Metric, Queue } from "effect"
import { TestClock } from "effect/testing"
import * as Domain from "../../src/domain/Metrics.ts"
import * as Metrics from "../../src/http/Metrics.ts"
import * as SelfSigned from "../../src/http/SelfSigned.ts"
import { type Answer, send } from "./Client.ts"
import * as Reviews from "./Reviews.ts"

const open = {
  bind: { host: "127.0.0.1", port: 0 },
  isSecure: false,
  certificateFolder: undefined,
  version: "1.2.3"
}

const processorSeconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** A registry of its own for every test. */
const fresh = Effect.provideServiceEffect(
  Metric.MetricRegistry,
  Effect.sync(() => new Map())
)

const scrape = Effect.fnUntraced(function* (before: Effect.Effect<unknown>) {
  const { port } = yield* Metrics.serve(open)
  yield* before
  return yield* send({ port, path: "/metrics" })
}, Effect.provide(Reviews.usual().layer))

const sample =
  /^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_]\w*="([^"\\\n]|\\["\\n])*",?)*\})? (\+Inf|-Inf|NaN|-?[0-9.e+-]+)$/

/** Sample -> value, every line checked against the text format 0.0.4. */
const samplesOf = (answer: Answer): ReadonlyMap<string, number> => {
  assert.strictEqual(answer.status, 200)
  assert.strictEqual(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
  assert.isTrue(answer.body.endsWith("\n"))
  const samples = new Map<string, number>()
  for (const line of answer.body.trimEnd().split("\n")) {
    if (/^# (HELP|TYPE) [a-z0-9_]+ .+$/.test(line)) continue
    assert.match(line, sample)
    const at = line.lastIndexOf(" ")
    assert.isFalse(samples.has(line.slice(0, at)), `twice: ${line}`)
    samples.set(line.slice(0, at), Number(line.slice(at + 1)))
  }
  return samples
}

describe("Metrics", () => {
  it.effect("every metric stands there under the name and with the labels that are API", () =>
    Effect.gen(function* () {
      const set = <S>(metric: Metric.Metric<number, S>, labels: Record<string, string>) =>
        Metric.update(Metric.withAttributes(metric, labels), 1)
      const answer = yield* scrape(
        Effect.all([
          set(Domain.reconcileTotal, { kind: "Node", result: "success" }),
          set(Domain.reconcileDuration, { kind: "Node" }),
          set(Domain.actors, { kind: "Node" }),
          set(Domain.mailboxDepth, { kind: "Node" }),
          set(Domain.ec2Requests, { operation: "DescribeAddresses", code: "OK" }),
          set(Domain.ec2RequestDuration, { operation: "DescribeAddresses" }),
          set(Domain.ec2GovernorWait, { operation: "DescribeAddresses" }),
          set(Domain.addresses, { state: "kept" }),
          set(Domain.firewallRules, { state: "Applied" }),
          set(Domain.timeToAttach, {}),
          set(Domain.driftRepaired, { kind: "address" }),
          set(Domain.undecodableObjects, { kind: "FirewallRule" }),
          set(Domain.lastSweep, {}),
          set(Domain.leader, {})
        ])
      )
      const samples = samplesOf(answer)
      for (const name of [
        'kubestatic_reconcile_total{kind="Node",result="success"}',
        'kubestatic_reconcile_duration_seconds_bucket{kind="Node",le="+Inf"}',
        'kubestatic_reconcile_duration_seconds_sum{kind="Node"}',
        'kubestatic_reconcile_duration_seconds_count{kind="Node"}',
        'kubestatic_actors{kind="Node"}',
        'kubestatic_mailbox_depth{kind="Node"}',
        'kubestatic_ec2_requests_total{operation="DescribeAddresses",code="OK"}',
        'kubestatic_ec2_request_duration_seconds_count{operation="DescribeAddresses"}',
        'kubestatic_ec2_governor_wait_seconds_count{operation="DescribeAddresses"}',
        'kubestatic_addresses{state="kept"}',
        'kubestatic_firewall_rules{state="Applied"}',
        "kubestatic_time_to_attach_seconds_count",
        'kubestatic_drift_repaired_total{kind="address"}',
        'kubestatic_undecodable_objects{kind="FirewallRule"}',
        "kubestatic_last_sweep_timestamp_seconds",
        "kubestatic_leader",
        'kubestatic_build_info{version="1.2.3"}'
      ]) {
        assert.strictEqual(samples.get(name), 1, name)
      }
      assert.include(answer.body, "# TYPE kubestatic_reconcile_total counter\n")
      assert.include(answer.body, "# TYPE kubestatic_reconcile_duration_seconds histogram\n")
      assert.include(answer.body, "# TYPE kubestatic_actors gauge\n")
      assert.include(answer.body, "# HELP kubestatic_leader 1 while this process holds the lease\n")
    }).pipe(fresh)
  )

  it.effect(
    "what counts single events stands at 0 before the first of them, and looking counts nothing",
    () =>
      Effect.gen(function* () {
        const { port } = yield* Metrics.serve(open)
        yield* send({ port, path: "/metrics" })
        const samples = samplesOf(yield* send({ port, path: "/metrics" }))
        const zeroes = [
          ...["address", "group", "interface", "leftover"].map(
            (kind) => `kubestatic_drift_repaired_total{kind="${kind}"}`
          ),
          ...["Node", "Assignment", "ExternalIP", "SecurityGroup", "FirewallRule"].flatMap((kind) =>
            ["success", "requeue", "error", "defect"].map(
              (result) => `kubestatic_reconcile_total{kind="${kind}",result="${result}"}`
            )
          ),
          'kubestatic_time_to_attach_seconds_bucket{le="0.25"}',
          'kubestatic_time_to_attach_seconds_bucket{le="600"}',
          'kubestatic_time_to_attach_seconds_bucket{le="+Inf"}',
          "kubestatic_time_to_attach_seconds_sum",
          "kubestatic_time_to_attach_seconds_count"
        ]
        for (const name of zeroes) assert.strictEqual(samples.get(name), 0, name)
      }).pipe(fresh, Effect.provide(Reviews.usual().layer))
  )

  it.effect("the buckets of a histogram are cumulative and end with its count", () =>
    Effect.gen(function* () {
      const labelled = Metric.withAttributes(Domain.reconcileDuration, { kind: "Node" })
      const samples = samplesOf(
        yield* scrape(Effect.forEach([0.0002, 0.0002, 0.02, 0.7, 500], (s) => Metric.update(labelled, s)))
      )
      const bucket = (le: string) =>
        samples.get(`kubestatic_reconcile_duration_seconds_bucket{kind="Node",le="${le}"}`)
      assert.deepStrictEqual(["0.0005", "0.01", "0.05", "1", "120", "+Inf"].map(bucket), [2, 2, 3, 4, 4, 5])
      assert.closeTo(
        samples.get('kubestatic_reconcile_duration_seconds_sum{kind="Node"}') ?? 0,
        500.7204,
        1e-9
      )
    }).pipe(fresh)
  )

  it.effect("labels are escaped", () =>
    Effect.gen(function* () {
      const samples = samplesOf(
        yield* scrape(Metric.update(Metric.withAttributes(Domain.actors, { kind: 'a"b\\c\nd' }), 3))
      )
      assert.strictEqual(samples.get('kubestatic_actors{kind="a\\"b\\\\c\\nd"}'), 3)
    }).pipe(fresh)
  )

  it.effect("the process is measured at every scrape, and its processor time only grows", () =>
    Effect.gen(function* () {
      const { port } = yield* Metrics.serve(open)
      const first = samplesOf(yield* send({ port, path: "/metrics" }))
      const used = processorSeconds()
      const second = samplesOf(yield* send({ port, path: "/metrics" }))
      const all = [
        "process_resident_memory_bytes",
        "process_cpu_seconds_total",
        "nodejs_heap_size_used_bytes",
        "nodejs_heap_size_total_bytes"
      ]
      for (const name of all) assert.isAbove(first.get(name) ?? 0, 0, name)
      for (const name of ["mean", "p99", "max"]) {
        assert.isAtLeast(second.get(`nodejs_eventloop_lag_${name}_seconds`) ?? -1, 0, name)
      }
      const cpu = "process_cpu_seconds_total"
      assert.isAtMost(first.get(cpu) ?? 0, used)
      assert.isAtLeast(second.get(cpu) ?? 0, used)
      assert.isAtMost(second.get(cpu) ?? 0, processorSeconds())
      assert.strictEqual(second.get("process_start_time_seconds"), first.get("process_start_time_seconds"))
    }).pipe(fresh, Effect.provide(Reviews.usual().layer))
  )

  it.effect("takes GET and HEAD of one path, and asks nobody while it is not secure", () => {
    const reviews = Reviews.usual()
    return Effect.gen(function* () {
      const { port } = yield* Metrics.serve(open)
      const head = yield* send({ port, path: "/metrics", method: "HEAD" })
      assert.deepStrictEqual([head.status, head.body], [200, ""])
      for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
        const refused = yield* send({ port, path: "/metrics", method })
        assert.strictEqual(refused.status, 405, method)
        assert.strictEqual(refused.headers.allow, "GET, HEAD")
      }
      assert.strictEqual((yield* send({ port, path: "/" })).status, 404)
      assert.deepStrictEqual(reviews.asked, [])
    }).pipe(fresh, Effect.provide(reviews.layer))
  })

  it.live("secure metrics have a certificate that fits, and ask about every scrape", () => {
    const reviews = Reviews.usual()
    return Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const pair = yield* SelfSigned.make
      store(folder, pair)
      const { port } = yield* Metrics.serve({ ...open, isSecure: true, certificateFolder: folder })
      const ask = (extra: {
        readonly token?: string
        readonly authorization?: string
        readonly method?: string
      }) => send({ port, path: "/metrics", tls: { trust: pair.certificate }, ...extra })

      const nobody = yield* ask({})
      assert.strictEqual(nobody.status, 401)
      assert.strictEqual(nobody.headers["www-authenticate"], "Bearer")
      assert.strictEqual((yield* ask({ authorization: "Basic abc" })).status, 401)
      assert.deepStrictEqual(reviews.asked, [], "a request without a token is no question")

      assert.strictEqual((yield* ask({ token: "stranger" })).status, 401)
      const visitor = yield* ask({ token: "visitor" })
      assert.strictEqual(visitor.status, 403)
      assert.notInclude(visitor.body, "kubestatic_build_info")
      assert.strictEqual((yield* ask({ token: "scraper", method: "POST" })).status, 405)

      const before = reviews.asked.length
      assert.isTrue(samplesOf(yield* ask({ token: "scraper" })).has('kubestatic_build_info{version="1.2.3"}'))
      assert.strictEqual((yield* ask({ token: "scraper", method: "HEAD" })).status, 200)
      assert.strictEqual(reviews.asked.length - before, 4)
    }).pipe(fresh, Effect.provide(reviews.layer))
  })

  it.effect("secure metrics are closed while the API server cannot be asked", () =>
    Effect.gen(function* () {
      const { port } = yield* Metrics.serve({ ...open, isSecure: true })
      const answer = yield* send({ port, path: "/metrics", tls: "any", token: "scraper" })
      assert.deepStrictEqual([answer.status, answer.body], [503, "the API server could not be asked\n"])
    }).pipe(fresh, Effect.provide([Reviews.make(() => "refused").layer, Logger.layer([])]))
  )

  it.live("without a folder the certificate is self-signed, and holds in a real handshake", () =>
    Effect.gen(function* () {
      const pair = yield* SelfSigned.make
      const { port } = yield* Metrics.serve({ ...open, isSecure: true })
      assert.strictEqual((yield* send({ port, path: "/metrics", tls: "any", token: "scraper" })).status, 200)
      // Another certificate than the server's is not trusted: the client does check.
      const refused = yield* Effect.flip(send({ port, path: "/metrics", tls: { trust: pair.certificate } }))
      assert.match(refused.message, /self-signed certificate|unable to verify/)
    }).pipe(fresh, Effect.provide(Reviews.usual().layer))
  )

  it.effect("a certificate that changes in its folder is served to the next connection", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const first = yield* SelfSigned.make
      const second = yield* SelfSigned.make
      store(folder, first)
      const replaced = yield* Queue.unbounded<string>()
      const logger = Logger.map(Logger.formatStructured, (entry) => {
        Queue.offerUnsafe(replaced, String(entry.message))
      })
      const { port } = yield* Metrics.serve({ ...open, isSecure: true, certificateFolder: folder }).pipe(
        Effect.provide(Logger.layer([logger]))
      )
      const fingerprint = Effect.map(
        send({ port, path: "/metrics", tls: "any" }),
        (answer) => answer.fingerprint
      )
      const before = yield* fingerprint
      store(folder, second)
      yield* Effect.raceFirst(
        Queue.take(replaced),
        Effect.forever(Effect.andThen(TestClock.adjust("10 seconds"), Effect.yieldNow))
      )
      const after = yield* fingerprint
      assert.isString(before)
      assert.isString(after)
      assert.notStrictEqual(after, before)
    }).pipe(fresh, Effect.provide(Reviews.usual().layer))
  )

  it.effect("a folder without certificates, and a port in use, end the start with one line", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const noPair = yield* Effect.flip(Metrics.serve({ ...open, isSecure: true, certificateFolder: folder }))
      assert.strictEqual(noPair._tag, "CertificateError")
      const { port } = yield* Metrics.serve(open)
      const inUse = yield* Effect.flip(Metrics.serve({ ...open, bind: { ...open.bind, port } }))
      assert.include(inUse.message, "--metrics-bind-address: cannot listen on")
    }).pipe(fresh, Effect.provide(Reviews.usual().layer))
  )

  it.effect("nothing listens when they are off", () =>
    Layer.build(Metrics.layer("off", open)).pipe(Effect.provide(Reviews.usual().layer))
  )
})

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "kubestatic-metrics-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

const store = (path: string, pair: { readonly certificate: string; readonly key: string }): void => {
  writeFileSync(join(path, "tls.crt"), pair.certificate)
  writeFileSync(join(path, "tls.key"), pair.key)
}
