/** What is read of JSON is what JSON.parse would give, projected, however the bytes are cut. */
import { assert, describe, it } from "@effect/vitest"
import { type Fields, project } from "../../src/domain/Fields.ts"
import type { Raw } from "../../src/domain/Object.ts"
import { ListReader } from "../../src/kubernetes/ListReader.ts"
import { incomplete, Scanner } from "../../src/kubernetes/ProjectedJson.ts"
import * as Draw from "../Draw.ts"

const strings = [
  "",
  "a",
  "name",
  'with "quotes" and \\ and / and \n',
  "ünïcödé 🌍",
  "\u2028 {[}],:",
  "x".repeat(300)
]
const names = ["metadata", "name", "labels", "spec", "items", 'with "quote', "🌍"]

/** A JSON value of some depth, drawn. */
const valueOf = (draw: Draw.Draw, depth: number): unknown => {
  const kind = draw.below(depth > 0 ? 8 : 6)
  switch (kind) {
    case 0:
      return null
    case 1:
      return draw.below(2) === 1
    case 2:
      return (draw.below(2_000_000) - 1_000_000) / 7
    case 3:
    case 4:
    case 5:
      return strings[draw.below(strings.length)]
    case 6:
      return Array.from({ length: draw.below(5) }, () => valueOf(draw, depth - 1))
    default:
      return Object.fromEntries(
        Array.from({ length: draw.below(6) }, () => [
          names[draw.below(names.length)],
          valueOf(draw, depth - 1)
        ])
      )
  }
}

const fieldsOf = (draw: Draw.Draw, depth: number): Fields =>
  Object.fromEntries(
    names
      .filter((name) => !name.includes('"') && draw.below(3) > 0)
      .map((name) => [name, depth > 0 && draw.below(2) === 1 ? fieldsOf(draw, depth - 1) : true])
  )

const textOf = (draw: Draw.Draw, value: unknown): string =>
  JSON.stringify(value, undefined, draw.below(2) === 1 ? 2 : undefined)

describe("a value", () => {
  it("is what JSON.parse gives, projected", () => {
    const draw = Draw.make(1)
    for (let i = 0; i < 2_000; i++) {
      const value = valueOf(draw, 5)
      const fields = fieldsOf(draw, 3)
      const scanner = new Scanner(Buffer.from(`${textOf(draw, value)} `))
      const wanted = project(value, fields)
      assert.deepStrictEqual(scanner.read(fields), wanted)
      assert.deepStrictEqual(new Scanner(Buffer.from(`${textOf(draw, value)} `)).readEnough(fields), wanted)
      assert.strictEqual(new Scanner(Buffer.from(`${textOf(draw, value)} `)).read() === undefined, false)
    }
  })

  it("that is cut off anywhere is incomplete, and never something else", () => {
    const draw = Draw.make(2)
    for (let i = 0; i < 200; i++) {
      const text = Buffer.from(textOf(draw, { metadata: valueOf(draw, 4), spec: valueOf(draw, 3) }))
      const fields = fieldsOf(draw, 2)
      const cut = 1 + draw.below(text.length - 1)
      try {
        new Scanner(text.subarray(0, cut)).read(fields)
        assert.fail(`read of ${text.subarray(0, cut).toString()}`)
      } catch (error) {
        assert.strictEqual(error, incomplete)
      }
    }
  })

  it("is read no further than is needed", () => {
    const fields: Fields = { type: true, object: { metadata: { name: true }, spec: { a: true } } }
    const enough = (text: string) => new Scanner(Buffer.from(text)).readEnough(fields)
    const head = '{"type":"T","object":{"metadata":{"name":"n","uid":"u"},"spec":{"a":1'
    const wanted = { type: "T", object: { metadata: { name: "n" }, spec: { a: 1 } } }
    assert.deepStrictEqual(enough(`${head},"b":`), wanted)
    // A name that comes twice is one.
    assert.throws(() => enough('{"type":"T","type":"T","object":{"metadata":{"name":"n"}'), incomplete)
    // What is asked for last comes first.
    const turned = '{"object":{"spec":{"a":1},"metadata":{"name":"n"}},"status":{},"type":"T"'
    assert.deepStrictEqual(enough(turned), wanted)
  })

  it("does not hold on to the bytes it came from", () => {
    const bytes = Buffer.from('{"metadata":{"name":"node-of-some-length"}}')
    const read = new Scanner(bytes).read({ metadata: { name: true } })
    bytes.fill(0x20)
    assert.deepStrictEqual(read, { metadata: { name: "node-of-some-length" } })
  })
})

describe("a page", () => {
  const fields: Fields = { metadata: { name: true }, spec: true }
  const pageOf = (items: unknown, order: ReadonlyArray<string>) => {
    const members: Readonly<Record<string, unknown>> = {
      kind: "List",
      apiVersion: "v1",
      metadata: { resourceVersion: "7", continue: "more", remainingItemCount: 3 },
      items
    }
    return JSON.stringify(Object.fromEntries(order.map((name) => [name, members[name]])))
  }
  const read = (text: string, cut: number) => {
    const reader = new ListReader(fields)
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at += cut) reader.push(bytes.subarray(at, at + cut))
    return reader.end()
  }
  const order = ["kind", "apiVersion", "metadata", "items"]

  it("is the same however its bytes are cut, and wherever its items stand", () => {
    const draw = Draw.make(3)
    const items = Array.from({ length: 400 }, (_, i) => ({
      metadata: { name: `n-${i}`, uid: "u", annotations: valueOf(draw, 3) },
      spec: valueOf(draw, 3),
      status: { text: "x".repeat(draw.below(2_001)) }
    }))
    const expected = {
      items: items.map((item) => project(item, fields) as Raw),
      resourceVersion: "7",
      continue: "more"
    }
    for (const sorted of [order, ["apiVersion", "items", "kind", "metadata"]]) {
      const text = pageOf(items, sorted)
      for (const cut of [1_000, 16_384, 200_000, text.length * 4]) {
        assert.deepStrictEqual(read(text, cut), expected)
      }
    }
  })

  it("without items, as Go writes it, is empty", () => {
    for (const items of [null, []]) assert.deepStrictEqual(read(pageOf(items, order), 10).items, [])
    assert.strictEqual(
      read('{"metadata":{"resourceVersion":"1","continue":""},"items":[]}', 10).continue,
      undefined
    )
  })

  it.each([
    ["a page of some proxy", "<html><body>busy</body></html>"],
    ["cut off", pageOf([{ metadata: { name: "a" } }], order).slice(0, -2)],
    ["without a version", '{"metadata":{},"items":[]}'],
    ["without items", '{"metadata":{"resourceVersion":"1"}}'],
    ["of objects without metadata", '{"metadata":{"resourceVersion":"1"},"items":[{"kind":"Node"}]}'],
    ["of what are no objects", '{"metadata":{"resourceVersion":"1"},"items":["a"]}'],
    ["empty", ""]
  ])("that is %s is no list", (_, text) => {
    assert.throws(() => read(text, 7), SyntaxError)
  })
})
