/**
 * A page of a list, read while its bytes come in: each object is projected as soon as it is whole.
 * Rule: neither the page nor an object of it is ever held as a whole; what is no list is an error.
 */
import type { Fields } from "../domain/Fields.ts"
import type { Raw } from "../domain/Object.ts"
import type { Page } from "./Kubernetes.ts"
import { incomplete, Scanner } from "./ProjectedJson.ts"
import { isObject } from "./WatchStream.ts"

/** So many bytes are looked at together: TLS hands out 16 kB at a time, and an object may be larger. */
const batchBytes = 128 * 1_024

const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d
const comma = 0x2c

interface ListMetadata {
  readonly resourceVersion?: unknown
  readonly continue?: unknown
}

export class ListReader {
  private readonly fields: Fields | undefined
  private readonly items: Array<Raw> = []
  private metadata: ListMetadata | undefined
  private hasItems = false
  private waiting: Array<Uint8Array> = []
  private waitingBytes = 0
  private state: "Start" | "Members" | "Items" | "End" = "Start"
  private excerpt = ""

  constructor(fields: Fields | undefined) {
    this.fields = fields
  }

  /** Throws a SyntaxError where this is no list. */
  push(chunk: Uint8Array): void {
    if (this.excerpt === "") this.excerpt = Buffer.from(chunk.subarray(0, 120)).toString()
    this.waiting.push(chunk)
    this.waitingBytes += chunk.length
    if (this.waitingBytes >= batchBytes) this.read()
  }

  end(): Page {
    this.read()
    const { resourceVersion, continue: next } = this.metadata ?? {}
    if (this.state !== "End" || !this.hasItems || typeof resourceVersion !== "string") throw this.noList()
    return {
      items: this.items,
      resourceVersion,
      // Go writes no continuation as "" or not at all.
      continue: typeof next === "string" && next !== "" ? next : undefined
    }
  }

  private noList(): SyntaxError {
    return new SyntaxError(`the answer is not what the API promises: ${this.excerpt}`)
  }

  private read(): void {
    const bytes = this.waiting.length === 1 ? (this.waiting[0] ?? Buffer.of()) : Buffer.concat(this.waiting)
    const scanner = new Scanner(bytes)
    let done = 0
    try {
      while (this.state !== "End") {
        this.step(scanner)
        done = scanner.at
      }
    } catch (error) {
      if (error !== incomplete) throw this.noList()
    }
    this.waiting = done === bytes.length ? [] : [bytes.subarray(done)]
    this.waitingBytes = bytes.length - done
  }

  /** One member or one object; what is cut off by the end of the bytes changes nothing. */
  private step(scanner: Scanner): void {
    if (this.state === "Start") {
      scanner.take(openBrace)
      this.state = "Members"
    } else if (this.state === "Members") this.member(scanner)
    else this.item(scanner)
  }

  private member(scanner: Scanner): void {
    const byte = scanner.peek()
    if (byte === closeBrace) {
      scanner.at += 1
      this.state = "End"
    } else if (byte === comma) scanner.at += 1
    else {
      const name = scanner.key()
      if (name === "items" && scanner.peek() === openBracket) {
        scanner.at += 1
        this.hasItems = true
        this.state = "Items"
        return
      }
      const value = scanner.read()
      // Go writes an empty list as null.
      if (name === "items" && value === null) this.hasItems = true
      if (name === "metadata" && typeof value === "object" && value !== null) this.metadata = value
    }
  }

  private item(scanner: Scanner): void {
    const byte = scanner.peek()
    if (byte === closeBracket) {
      scanner.at += 1
      this.state = "Members"
    } else if (byte === comma) scanner.at += 1
    else {
      const object = scanner.read(this.fields)
      if (!isObject(object)) throw this.noList()
      this.items.push(object)
    }
  }
}
