/**
 * Addresses to listen on, as Go writes them.
 */
import { assert, describe, it } from "@effect/vitest"
import { format, parse } from "../../src/http/BindAddress.ts"

describe("BindAddress", () => {
  for (const [text, host, port] of [
    [":8080", undefined, 8080],
    [":0", undefined, 0],
    ["0.0.0.0:8080", "0.0.0.0", 8080],
    ["127.0.0.1:65535", "127.0.0.1", 65535],
    ["localhost:8080", "localhost", 8080],
    ["[::]:8080", "::", 8080],
    ["[fe80::1]:1", "fe80::1", 1]
  ] as const) {
    it(`${text} is read, and written again as it was`, () => {
      assert.deepStrictEqual(parse(text), { host, port })
      assert.strictEqual(format({ host, port }), text)
    })
  }
  for (const text of [
    "",
    "8080",
    ":",
    ":http",
    ":65536",
    ":-1",
    "::1:8080",
    "[::1]",
    "http://a:80",
    "a b:80",
    ":80 "
  ]) {
    it(`"${text}" is refused`, () => assert.isUndefined(parse(text)))
  }
})
