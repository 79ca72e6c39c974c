/**
 * Values of which there are few different ones in thousands of objects: each is kept once.
 * Rule: what comes out is equal to what went in; the tables are bounded, and what no longer fits is kept as it comes.
 */
const most = 4_096

const words = new Map<string, string>()

/** A string such as a reason, a namespace, a taint's key. */
export const word = (text: string): string => {
  const known = words.get(text)
  if (known !== undefined) return known
  if (words.size < most) words.set(text, text)
  return text
}

const values = new Map<string, unknown>()

/** A small JSON value such as a list of finalizers or taints, which nobody changes. */
export const once = <A>(value: A): A => {
  const text = JSON.stringify(value)
  const known = values.get(text)
  if (known !== undefined) return known as A
  if (values.size < most) values.set(text, value)
  return value
}
