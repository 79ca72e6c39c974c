/**
 * XML from bytes, only the elements that are asked for: everything else is passed over without becoming an object.
 * Rule: for what EC2 writes (elements, text, five entities; no CDATA, no comments); anything else is an error, and
 * nothing that is read holds on to the bytes.
 */

/** What becomes of an element, under the name of `field`. */
export type Element = { readonly field: string } & (
  | { readonly type: "Text" | "Number" | "Boolean" }
  /** Text of which there are few different ones: each is kept once. */
  | { readonly type: "Word" }
  | { readonly type: "Object"; readonly of: Shape }
  /** Its children called `item`. */
  | { readonly type: "List"; readonly of: Shape }
)

/** By the name of the element. */
export interface Shape {
  readonly [name: string]: Element
}

interface Wanted {
  readonly bytes: Uint8Array
  readonly element: Element
}

const compiled = new WeakMap<Shape, ReadonlyArray<Wanted>>()
const compile = (shape: Shape): ReadonlyArray<Wanted> => {
  const known = compiled.get(shape)
  if (known !== undefined) return known
  const wanted = Object.entries(shape).map(([name, element]) => ({ bytes: Buffer.from(name), element }))
  compiled.set(shape, wanted)
  return wanted
}

const open = 0x3c
const close = 0x3e
const slash = 0x2f
const space = 0x20

const named: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" }
const decoded = (text: string): string =>
  text.replaceAll(/&(#x[0-9a-fA-F]+|#\d+|\w+);/g, (whole, name: string) => {
    if (name.startsWith("#x")) return String.fromCodePoint(Number.parseInt(name.slice(2), 16))
    if (name.startsWith("#")) return String.fromCodePoint(Number.parseInt(name.slice(1), 10))
    return named[name] ?? whole
  })

/** Of words; more different ones are no words, and are kept as they come. */
const mostWords = 4_096
const words = new Map<string, string>()
const word = (text: string): string => {
  const known = words.get(text)
  if (known !== undefined) return known
  if (words.size < mostWords) words.set(text, text)
  return text
}

interface Tag {
  from: number
  to: number
  kind: "Start" | "End" | "Empty"
}

class Reader {
  private readonly bytes: Buffer
  private at = 0
  private readonly tag: Tag = { from: 0, to: 0, kind: "End" }

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  document(shape: Shape): unknown {
    if (this.bytes.toString("latin1", 0, 5) === "<?xml") this.at = this.find(close, 5) + 1
    const tag = this.next()
    if (tag.kind === "End") throw new SyntaxError("no element")
    return tag.kind === "Empty" ? {} : this.object(compile(shape))
  }

  private find(byte: number, from: number): number {
    const at = this.bytes.indexOf(byte, from)
    if (at < 0) throw new SyntaxError("the XML ends within an element")
    return at
  }

  /** The next tag; the reader stands behind it. */
  private next(): Tag {
    const { bytes, tag } = this
    const from = this.find(open, this.at) + 1
    const end = this.find(close, from)
    this.at = end + 1
    if (bytes[from] === slash) {
      tag.kind = "End"
      tag.from = from + 1
      tag.to = end
      return tag
    }
    const first = bytes[from]
    if (first === 0x21 || first === 0x3f) throw new SyntaxError("XML that EC2 does not write")
    tag.kind = bytes[end - 1] === slash ? "Empty" : "Start"
    tag.from = from
    tag.to = tag.kind === "Empty" ? end - 1 : end
    // Attributes are namespaces, and say nothing.
    for (let i = from; i < tag.to; i++) {
      if (bytes[i] === space) {
        tag.to = i
        break
      }
    }
    return tag
  }

  private wantedAs(wanted: ReadonlyArray<Wanted>, { from, to }: Tag): Element | undefined {
    const { bytes } = this
    const length = to - from
    search: for (const one of wanted) {
      if (one.bytes.length !== length) continue
      for (let i = 0; i < length; i++) if (one.bytes[i] !== bytes[from + i]) continue search
      return one.element
    }
    return undefined
  }

  /** To behind the end of the element whose start was read. */
  private skip(): void {
    let depth = 1
    while (depth > 0) {
      const { kind } = this.next()
      if (kind === "Start") depth += 1
      else if (kind === "End") depth -= 1
    }
  }

  private text(): string {
    const from = this.at
    const to = this.find(open, from)
    const { bytes } = this
    if (this.next().kind !== "End") throw new SyntaxError("an element where there should be text")
    const text = bytes.toString("utf8", from, to)
    return text.includes("&") ? decoded(text) : text
  }

  private value(element: Element): unknown {
    switch (element.type) {
      case "Text":
        return this.text()
      case "Word":
        return word(this.text())
      case "Number":
        return Number(this.text())
      case "Boolean":
        return this.text() === "true"
      case "Object":
        return this.object(compile(element.of))
      case "List":
        return this.list(compile(element.of))
    }
  }

  private object(wanted: ReadonlyArray<Wanted>): unknown {
    const kept: Record<string, unknown> = {}
    for (;;) {
      const tag = this.next()
      if (tag.kind === "End") return kept
      const element = this.wantedAs(wanted, tag)
      if (tag.kind === "Empty") {
        // Of all kinds only a list says something by being empty.
        if (element?.type === "List") kept[element.field] = []
      } else if (element === undefined) this.skip()
      else kept[element.field] = this.value(element)
    }
  }

  private list(wanted: ReadonlyArray<Wanted>): unknown {
    const items: Array<unknown> = []
    for (;;) {
      const { kind } = this.next()
      if (kind === "End") return items
      items.push(kind === "Empty" ? {} : this.object(wanted))
    }
  }
}

/** The children of the document's element. Throws a SyntaxError. */
export const read = (bytes: Buffer, shape: Shape): unknown => new Reader(bytes).document(shape)
