/**
 * The part of DER (ITU-T X.690) that a certificate needs: tag, length, content.
 * Rule: encodes only; lengths and integers are minimal, as DER demands.
 */

const length = (n: number): Buffer => {
  if (n < 0x80) return Buffer.of(n)
  const hex = n.toString(16)
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex")
  return Buffer.concat([Buffer.of(0x80 | bytes.length), bytes])
}

export const element = (tag: number, ...contents: ReadonlyArray<Uint8Array>): Buffer => {
  const content = Buffer.concat(contents)
  return Buffer.concat([Buffer.of(tag), length(content.length), content])
}

export const sequence = (...members: ReadonlyArray<Uint8Array>): Buffer => element(0x30, ...members)
export const set = (...members: ReadonlyArray<Uint8Array>): Buffer => element(0x31, ...members)
export const boolean = (value: boolean): Buffer => element(0x01, Buffer.of(value ? 0xff : 0))
export const octets = (content: Uint8Array): Buffer => element(0x04, content)
export const utf8 = (text: string): Buffer => element(0x0c, Buffer.from(text))
/** Of whole bytes. */
export const bits = (content: Uint8Array): Buffer => element(0x03, Buffer.of(0), content)
/** [n] EXPLICIT. */
export const explicit = (n: number, content: Uint8Array): Buffer => element(0xa0 | n, content)
/** [n] IMPLICIT of a primitive type. */
export const implicit = (n: number, content: Uint8Array): Buffer => element(0x80 | n, content)

/** Not negative: big-endian, without needless zeroes, with one where the first bit is set. */
export const integer = (magnitude: Uint8Array): Buffer => {
  const first = magnitude.findIndex((byte) => byte !== 0)
  const bytes = first < 0 ? Buffer.of(0) : Buffer.from(magnitude.subarray(first))
  return element(0x02, (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes)
}

/** "1.2.840.10045.4.3.2" */
export const objectIdentifier = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number)
  const base128 = (n: number): ReadonlyArray<number> => {
    const digits = [n & 0x7f]
    for (let high = n >>> 7; high > 0; high >>>= 7) digits.unshift(0x80 | (high & 0x7f))
    return digits
  }
  return element(0x06, Buffer.from([first * 40 + second, ...rest].flatMap(base128)))
}

/** UTCTime until 2049, GeneralizedTime after it, as RFC 5280 (4.1.2.5) demands. `millis` since the epoch. */
export const time = (millis: number): Buffer => {
  const digits = new Date(millis).toISOString().replaceAll(/[-:T]|\.\d+/g, "")
  return digits < "2050" ? element(0x17, Buffer.from(digits.slice(2))) : element(0x18, Buffer.from(digits))
}
