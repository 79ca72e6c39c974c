/**
 * The words of a command line, read as Go's flag package reads them, against a table of flags.
 * Rule: -x and --x are one; nothing is dropped silently: a word that is no flag ends the reading.
 */
import { Result } from "effect"
import type { Flag, Given, Occurrence, Table } from "./Flag.ts"
import { OptionsError, quote } from "./OptionsError.ts"
import { nearest } from "./Suggestion.ts"
import { isGoBoolean } from "./Value.ts"

/** Flags of an older program that are read over, with one warning each. */
export interface Ignored {
  readonly has: (name: string) => boolean
  readonly isSwitch: (name: string) => boolean
}
export const nothingIgnored: Ignored = { has: () => false, isSwitch: () => false }

export interface Reading {
  readonly given: Given
  /** Names of ignored flags that were given, each once, in order. */
  readonly ignored: ReadonlyArray<string>
}

const wrong = (message: string) => Result.fail(new OptionsError({ message }))

const isFlagLike = (word: string): boolean => /^--?[A-Za-z]/.test(word)

/** `program` is what --help is asked of: "kubestatic" or "kubestatic simulate". */
export const read = (
  argv: ReadonlyArray<string>,
  table: Table,
  ignored: Ignored,
  program: string
): Result.Result<Reading, OptionsError> => {
  const flags = new Map<string, Flag<unknown>>(
    Object.values(table).flatMap((flag) => [flag.name, ...flag.aliases].map((name) => [name, flag] as const))
  )
  const given = new Map<string, Array<Occurrence>>()
  const skipped = new Set<string>()

  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? ""
    if (word === "--" && i === argv.length - 1) break
    if (word === "--" || word === "-" || !word.startsWith("-")) {
      const stray = word === "--" ? (argv[i + 1] ?? "") : word
      return wrong(`unexpected argument ${quote(stray)}: ${program} takes flags only`)
    }
    const match = /^--?([^-=][^=]*)(?:=([\s\S]*))?$/.exec(word)
    if (match === null) return wrong(`${quote(word)} is no flag: write --flag=value`)
    const [, name = "", attached] = match
    const next = argv[i + 1]
    const flag = flags.get(name)

    if (flag !== undefined) {
      const occurrence = valueOf(flag, attached, next)
      if (occurrence === undefined) return wrong(`--${name} takes ${flag.takes}, and nothing was given`)
      if (occurrence.tookNext) i++
      const before = given.get(flag.name) ?? []
      given.set(flag.name, [...before, { spelled: `--${name}`, text: occurrence.text }])
    } else if (ignored.has(name)) {
      skipped.add(name)
      if (attached === undefined && next !== undefined) {
        if (ignored.isSwitch(name) ? isGoBoolean(next) : !isFlagLike(next)) i++
      }
    } else {
      const near = nearest(name, flags.keys())
      return wrong(
        `unknown flag ${quote(`--${name}`)}${near === undefined ? "" : `, did you mean --${near}?`} (see ${program} --help)`
      )
    }
  }
  return Result.succeed({ given, ignored: [...skipped] })
}

/**
 * Go never takes the next word as the value of a boolean, and would then stop reading flags there; here
 * nothing but a value can follow, so a boolean word is taken. For the others Go takes any word, even another
 * flag: that is the mistake of a missing value, and is refused.
 */
const valueOf = (
  flag: Flag<unknown>,
  attached: string | undefined,
  next: string | undefined
): { readonly text: string; readonly tookNext: boolean } | undefined => {
  if (attached !== undefined) return { text: attached, tookNext: false }
  if (flag.isSwitch) {
    return next !== undefined && isGoBoolean(next)
      ? { text: next, tookNext: true }
      : { text: "true", tookNext: false }
  }
  return next === undefined || isFlagLike(next) ? undefined : { text: next, tookNext: true }
}
