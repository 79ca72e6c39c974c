/**
 * JSON from bytes, only the fields that are asked for: everything else is passed over without becoming an object.
 * Rule: what is read is what JSON.parse would give, projected; nothing that is read holds on to the bytes.
 */
import type { Fields } from "../domain/Fields.ts"

/** Thrown where the bytes end before the value does: more of them may come. */
export const incomplete = new Error("the bytes end within a value")

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d

interface Wanted {
  readonly name: string
  readonly bytes: Uint8Array
  readonly fields: ReadonlyArray<Wanted> | true
}

const compiled = new WeakMap<Fields, ReadonlyArray<Wanted>>()

const compile = (fields: Fields): ReadonlyArray<Wanted> => {
  const known = compiled.get(fields)
  if (known !== undefined) return known
  const wanted = Object.entries(fields).map(([name, below]) => ({
    name,
    bytes: Buffer.from(name),
    fields: below === true ? (true as const) : compile(below)
  }))
  compiled.set(fields, wanted)
  return wanted
}

/** Reads one value after the other from `at` on, which it moves. */
export class Scanner {
  at = 0
  private readonly bytes: Buffer

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** The next byte that is no white space; it is not taken. */
  peek(): number {
    const { bytes } = this
    let { at } = this
    let byte = bytes[at]
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++at]
    this.at = at
    if (byte === undefined) throw incomplete
    return byte
  }

  take(expected: number): void {
    if (this.peek() !== expected) {
      throw new SyntaxError(`unexpected ${JSON.stringify(this.bytes.toString("utf8", this.at, this.at + 1))}`)
    }
    this.at += 1
  }

  /** A key and its colon. */
  key(): string {
    const name = this.read()
    if (typeof name !== "string") throw new SyntaxError("a key is a string")
    this.take(colon)
    return name
  }

  /** The next value; without fields all of it. */
  read(fields?: Fields): unknown {
    return fields === undefined ? this.whole() : this.some(compile(fields))
  }

  /** As `read`; what comes once all that is asked for has been found is not looked at. */
  readEnough(fields: Fields): unknown {
    return this.some(compile(fields), true)
  }

  private whole(): unknown {
    this.peek()
    const from = this.at
    this.skip()
    const { at, bytes } = this
    // Not a slice of a longer text, which would keep that in memory.
    if (bytes[from] === quote && !this.isEscaped(from, at)) return bytes.toString("utf8", from + 1, at - 1)
    return JSON.parse(bytes.toString("utf8", from, at))
  }

  private isEscaped(from: number, to: number): boolean {
    for (let at = from; at < to; at++) if (this.bytes[at] === backslash) return true
    return false
  }

  /** @param isLast whether nothing else is asked for behind this */
  private some(wanted: ReadonlyArray<Wanted>, isLast = false): unknown {
    if (this.peek() !== openBrace) return this.whole()
    this.at += 1
    const kept: Record<string, unknown> = {}
    let missing = wanted.length
    for (;;) {
      const byte = this.peek()
      if (byte === closeBrace) {
        this.at += 1
        return kept
      }
      if (byte === comma) {
        this.at += 1
        continue
      }
      const from = this.at + 1
      this.take(quote)
      this.skipString()
      const found = this.find(wanted, from, this.at - 1)
      this.take(colon)
      if (found === undefined) {
        this.skip()
        continue
      }
      if (!Object.hasOwn(kept, found.name)) missing -= 1
      const isEnough = isLast && missing === 0
      kept[found.name] = found.fields === true ? this.whole() : this.some(found.fields, isEnough)
      if (isEnough) return kept
    }
  }

  private find(wanted: ReadonlyArray<Wanted>, from: number, to: number): Wanted | undefined {
    const { bytes } = this
    const length = to - from
    next: for (const one of wanted) {
      if (one.bytes.length !== length) continue
      for (let i = 0; i < length; i++) if (one.bytes[i] !== bytes[from + i]) continue next
      return one
    }
    return undefined
  }

  /** To the end of the next value. */
  private skip(): void {
    const first = this.peek()
    if (first === quote) {
      this.at += 1
      this.skipString()
    } else if (first === openBrace || first === openBracket) this.skipNested()
    else this.skipScalar()
  }

  /** From behind the opening quote to behind the closing one. */
  private skipString(): void {
    const { bytes } = this
    const end = bytes.length
    let { at } = this
    while (at < end) {
      const byte = bytes[at]
      if (byte === quote) {
        this.at = at + 1
        return
      }
      at += byte === backslash ? 2 : 1
    }
    throw incomplete
  }

  private skipNested(): void {
    const { bytes } = this
    const end = bytes.length
    let { at } = this
    let depth = 0
    while (at < end) {
      const byte = bytes[at]
      at += 1
      if (byte === quote) {
        // The same as skipString: most of the time goes here.
        let inside = bytes[at]
        while (inside !== quote && at < end) {
          at += inside === backslash ? 2 : 1
          inside = bytes[at]
        }
        at += 1
      } else if (byte === openBrace || byte === openBracket) depth += 1
      else if (byte === closeBrace || byte === closeBracket) {
        depth -= 1
        if (depth === 0) {
          this.at = at
          return
        }
      }
    }
    throw incomplete
  }

  /** A number, or one of the three words: JSON.parse says whether it is one, where it is read. */
  private skipScalar(): void {
    const { bytes } = this
    const end = bytes.length
    const from = this.at
    for (let at = from; at < end; at++) {
      const byte = bytes[at]
      const isPart =
        byte !== undefined &&
        ((byte >= 0x30 && byte <= 0x39) ||
          (byte >= 0x61 && byte <= 0x7a) ||
          byte === 0x45 ||
          byte === 0x2b ||
          byte === 0x2d ||
          byte === 0x2e)
      if (isPart) continue
      if (at === from)
        throw new SyntaxError(`unexpected ${JSON.stringify(bytes.toString("utf8", at, at + 1))}`)
      this.at = at
      return
    }
    throw incomplete
  }
}
