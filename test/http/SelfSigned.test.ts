/**
 * The certificate that is made in memory, as OpenSSL reads it, and the DER below it.
 */
import { X509Certificate } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Der from "../../src/http/Der.ts"
import * as SelfSigned from "../../src/http/SelfSigned.ts"

const hex = (der: Buffer): string => der.toString("hex")

describe("SelfSigned", () => {
  it.effect("is signed with its own key, for localhost, from an hour ago for ten years", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 0, 2, 3, 4, 5))
      const certificate = new X509Certificate((yield* SelfSigned.make).certificate)
      assert.isTrue(certificate.verify(certificate.publicKey))
      assert.isTrue(certificate.checkIssued(certificate))
      assert.strictEqual(certificate.subject, "CN=kubestatic")
      assert.strictEqual(certificate.issuer, "CN=kubestatic")
      assert.strictEqual(certificate.checkHost("localhost"), "localhost")
      assert.strictEqual(certificate.checkIP("127.0.0.1"), "127.0.0.1")
      assert.isUndefined(certificate.checkHost("example.com"))
      assert.isFalse(certificate.ca)
      assert.deepStrictEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.1"])
      assert.strictEqual(certificate.validFromDate.toISOString(), "2026-01-02T02:04:05.000Z")
      assert.strictEqual(certificate.validToDate.toISOString(), "2035-12-31T03:04:05.000Z")
    })
  )

  it.effect("is another one every time, and its key is its own", () =>
    Effect.gen(function* () {
      const first = yield* SelfSigned.make
      const second = yield* SelfSigned.make
      assert.notStrictEqual(
        new X509Certificate(first.certificate).serialNumber,
        new X509Certificate(second.certificate).serialNumber
      )
      assert.notStrictEqual(first.key, second.key)
    })
  )
})

describe("Der", () => {
  it("lengths are minimal", () => {
    for (const [n, head] of [
      [0, "0400"],
      [1, "0401"],
      [127, "047f"],
      [128, "048180"],
      [255, "0481ff"],
      [256, "04820100"],
      [65_535, "0482ffff"],
      [65_536, "0483010000"]
    ] as const) {
      const encoded = hex(Der.octets(new Uint8Array(n)))
      assert.strictEqual(encoded.length, head.length + 2 * n)
      assert.strictEqual(encoded.slice(0, head.length), head)
    }
  })

  it("integers are minimal and never negative", () => {
    for (const [bytes, encoded] of [
      [[], "020100"],
      [[0], "020100"],
      [[0, 0, 1], "020101"],
      [[127], "02017f"],
      [[128], "02020080"],
      [[1, 0], "02020100"],
      [[255, 255], "020300ffff"]
    ] as const) {
      assert.strictEqual(hex(Der.integer(Buffer.from(bytes))), encoded)
    }
  })

  it("object identifiers are base 128", () => {
    // X.690 8.19.5 has the first as its example; the second is ecdsa-with-SHA256 as RFC 5758 prints it.
    assert.strictEqual(hex(Der.objectIdentifier("2.999.3")), "0603883703")
    assert.strictEqual(hex(Der.objectIdentifier("1.2.840.10045.4.3.2")), "06082a8648ce3d040302")
  })

  it("times change their type in 2050, as RFC 5280 demands", () => {
    assert.strictEqual(
      Der.time(Date.UTC(2049, 11, 31, 23, 59, 59)).toString("latin1"),
      "\x17\x0d491231235959Z"
    )
    assert.strictEqual(Der.time(Date.UTC(2050, 0, 1)).toString("latin1"), "\x18\x0f20500101000000Z")
  })
})
