/**
 * Values of which there are few different ones in thousands of objects: each is kept once.
 * Rule: what comes out is equal to what went in; the tables are bounded, and what is not asked for again gives way, so
 * that values of which each is different do not keep out those that come again and again.
 */
const most = 4_096

/** What was asked for lately: when the young are many, the old are given up, and the young are old. */
const table = <A>() => {
  let young = new Map<string, A>()
  let old = new Map<string, A>()
  /** The first value of that key that is still known, else this one. */
  return (key: string, value: A): A => {
    const held = young.get(key)
    if (held !== undefined) return held
    const kept = old.get(key) ?? value
    if (young.size >= most) {
      old = young
      young = new Map()
    }
    young.set(key, kept)
    return kept
  }
}

const words = table<string>()
const values = table<unknown>()

/** A string such as a reason, a namespace, a taint's key. */
export const word = (text: string): string => words(text, text)

/** A small JSON value such as a list of finalizers or taints, which nobody changes. */
export const once = <A>(value: A): A => values(JSON.stringify(value), value) as A
