/**
 * Certificates from a folder: what is refused at the start, and what happens when the files change.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeFileSystem, NodePath } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Logger } from "effect"
import { TestClock } from "effect/testing"
import * as Certificates from "../../src/http/Certificates.ts"
import * as SelfSigned from "../../src/http/SelfSigned.ts"
import type { KeyPair } from "../../src/http/Server.ts"

const platform = Layer.merge(NodeFileSystem.layer, NodePath.layer)

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "kubestatic-certificates-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

const store = (path: string, pair: KeyPair): void => {
  writeFileSync(join(path, "tls.crt"), pair.certificate)
  writeFileSync(join(path, "tls.key"), pair.key)
}

describe("Certificates", () => {
  it.effect("a pair is read as it is", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const pair = yield* SelfSigned.make
      store(path, pair)
      assert.deepStrictEqual(yield* Certificates.read(path), pair)
    }).pipe(Effect.provide(platform))
  )

  it.effect("what is missing, and what does not fit, is one line that names flag and folder", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const refusal = Effect.map(Effect.flip(Certificates.read(path)), (error) => error.message)
      const missing = yield* refusal
      assert.include(missing, `--metrics-cert-dir: ${path}: cannot read tls.crt`)
      store(path, { certificate: (yield* SelfSigned.make).certificate, key: (yield* SelfSigned.make).key })
      const mixed = yield* refusal
      assert.include(mixed, `--metrics-cert-dir: ${path}: tls.crt and tls.key are no pair`)
      store(path, { certificate: "no", key: "certificate" })
      const garbage = yield* refusal
      assert.include(garbage, "are no pair")
      for (const line of [missing, mixed, garbage]) assert.notInclude(line, "\n")
    }).pipe(Effect.provide(platform))
  )

  it.effect("a new pair comes into use; a broken one is said once and leaves the old one in use", () => {
    const files = new Map<string, string>()
    const fileSystem = FileSystem.layerNoop({
      readFileString: (path) => Effect.sync(() => files.get(path.replace(/.*\//, "")) ?? "")
    })
    const put = (certificate: KeyPair, key: KeyPair = certificate): void => {
      files.set("tls.crt", certificate.certificate)
      files.set("tls.key", key.key)
    }
    return Effect.gen(function* () {
      const first = yield* SelfSigned.make
      const second = yield* SelfSigned.make
      const third = yield* SelfSigned.make
      put(first)

      const used: Array<KeyPair> = []
      const lines: Array<string> = []
      const logger = Logger.map(Logger.formatStructured, (entry) => lines.push(String(entry.message)))
      yield* Certificates.watch("/certs", first, (pair) => used.push(pair)).pipe(
        Effect.provide(Logger.layer([logger])),
        Effect.forkScoped
      )
      /** Several rounds; gives what was said in them. */
      const rounds = Effect.map(TestClock.adjust("1 minute"), () => lines.splice(0))
      const replaced = "the certificate of the metrics endpoint was replaced"

      assert.deepStrictEqual([yield* rounds, used], [[], []])

      put(second)
      assert.deepStrictEqual([yield* rounds, used], [[replaced], [second]])

      put(third, second)
      const [line = "", ...others] = yield* rounds
      assert.include(line, "the last good certificate stays in use")
      assert.deepStrictEqual([others, used], [[], [second]])

      put(third)
      assert.deepStrictEqual([yield* rounds, used], [[replaced], [second, third]])

      put(third, first)
      assert.lengthOf(yield* rounds, 1, "the same problem after a good time is said again")
    }).pipe(Effect.provide([fileSystem, NodePath.layer]))
  })
})
