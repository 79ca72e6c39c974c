/**
 * A flag as data, and a table of flags decoded from what was given.
 * Rule: one table drives decoding, help and suggestions; the type of the options is derived from it.
 */
import { Result } from "effect"
import { OptionsError, quote } from "./OptionsError.ts"
import * as Value from "./Value.ts"

export interface Flag<A> {
  readonly name: string
  /** Other names of the same flag. */
  readonly aliases: ReadonlyArray<string>
  /** The heading of --help it stands under. */
  readonly section: string
  readonly help: string
  readonly takes: string
  /** As it would be written on the command line, or in words where it depends on other things. */
  readonly fallback: string | undefined
  readonly isSwitch: boolean
  readonly isRepeatable: boolean
  /** Whether KUBESTATIC_<NAME> is read. */
  readonly hasVariable: boolean
  readonly refusesEmpty: string | undefined
  /** The texts given, none of them empty; none at all: the default. */
  readonly decode: (texts: ReadonlyArray<string>) => Result.Result<A, Refusal>
}

export interface Refusal {
  readonly text: string
  readonly reason: string | undefined
}

export type Table = Readonly<Record<string, Flag<unknown>>>
export type Decoded<T extends Table> = {
  readonly [K in keyof T]: T[K] extends Flag<infer A> ? A : never
}

interface Words {
  readonly section: string
  readonly help: string
  readonly aliases?: ReadonlyArray<string>
  readonly hasVariable?: boolean
}

const base = <A>(name: string, value: Value.Value<A>, words: Words) => ({
  name,
  aliases: words.aliases ?? [],
  section: words.section,
  help: words.help,
  takes: value.takes,
  hasVariable: words.hasVariable ?? true,
  refusesEmpty: value.refusesEmpty,
  // Identity of the one instance, not its type: a boolean may be given without its value.
  isSwitch: (value as unknown) === Value.boolean
})

const decodeText = <A>(value: Value.Value<A>, text: string): Result.Result<A, Refusal> =>
  Result.mapError(value.decode(text), (reason) => ({ text, reason }))

/** Given twice: the last wins. */
export const withDefault = <A>(
  name: string,
  value: Value.Value<A>,
  fallback: string,
  words: Words
): Flag<A> => ({
  ...base(name, value, words),
  fallback,
  isRepeatable: false,
  decode: (texts) => decodeText(value, texts.at(-1) ?? fallback)
})

/** Undefined when it is not given; `otherwise` says in words what happens then. */
export const optional = <A>(
  name: string,
  value: Value.Value<A>,
  words: Words & { readonly otherwise?: string }
): Flag<A | undefined> => ({
  ...base(name, value, words),
  fallback: words.otherwise,
  isRepeatable: false,
  decode: (texts) => {
    const last = texts.at(-1)
    return last === undefined ? Result.succeed(undefined) : decodeText(value, last)
  }
})

/** Every time it is given counts, and so does every part between commas, as in its variable. */
export const repeatable = <A>(name: string, value: Value.Value<A>, words: Words): Flag<ReadonlyArray<A>> => ({
  ...base(name, value, words),
  fallback: undefined,
  isRepeatable: true,
  decode: (texts) =>
    Result.all(
      texts
        .flatMap((text) => text.split(","))
        .filter((text) => text !== "")
        .map((text) => decodeText(value, text))
    )
})

/** One time a flag was given: how it was spelled, and its text. */
export interface Occurrence {
  /** "--cache-ttl", or "KUBESTATIC_CACHE_TTL (--drift-interval)". */
  readonly spelled: string
  readonly text: string
}

/** What the command line gave, by the flag's own name, in order. */
export type Given = ReadonlyMap<string, ReadonlyArray<Occurrence>>
export type Environment = Readonly<Record<string, string | undefined>>

export const variableOf = (name: string): string => `KUBESTATIC_${name.toUpperCase().replaceAll("-", "_")}`

const fromEnvironment = (flag: Flag<unknown>, env: Environment): ReadonlyArray<Occurrence> => {
  if (!flag.hasVariable) return []
  for (const name of [flag.name, ...flag.aliases]) {
    const variable = variableOf(name)
    const text = env[variable]
    if (text !== undefined && (text !== "" || flag.refusesEmpty !== undefined)) {
      return [{ spelled: `${variable} (--${flag.name})`, text }]
    }
  }
  return []
}

/** Only the last one counts, and an empty text means that it was not given. */
const counted = (flag: Flag<unknown>, given: ReadonlyArray<Occurrence>): ReadonlyArray<Occurrence> =>
  (flag.isRepeatable ? given : given.slice(-1)).filter(
    ({ text }) => text !== "" || flag.refusesEmpty !== undefined
  )

const decodeFlag = (
  flag: Flag<unknown>,
  given: Given,
  env: Environment
): Result.Result<unknown, OptionsError> => {
  const onCommandLine = counted(flag, given.get(flag.name) ?? [])
  const occurrences = onCommandLine.length > 0 ? onCommandLine : fromEnvironment(flag, env)
  const empty = occurrences.find(({ text }) => text === "")
  if (empty !== undefined) {
    return Result.fail(new OptionsError({ message: `${empty.spelled} ${flag.refusesEmpty}` }))
  }
  return Result.mapError(flag.decode(occurrences.map(({ text }) => text)), ({ text, reason }) => {
    const spelled = occurrences.find((o) => o.text.includes(text))?.spelled ?? `--${flag.name}`
    return new OptionsError({
      message: `${spelled} ${reason ?? `takes ${flag.takes}, not ${quote(text)}`}`
    })
  })
}

/** The first flag of the table that is wrong is the one that is spoken of. */
export const decodeTable = <T extends Table>(
  table: T,
  given: Given,
  env: Environment
): Result.Result<Decoded<T>, OptionsError> =>
  Result.map(
    Result.all(
      Object.entries(table).map(([key, flag]) =>
        Result.map(decodeFlag(flag, given, env), (decoded) => [key, decoded] as const)
      )
    ),
    // The decoders are the ones Decoded reads its types from.
    (entries) => Object.fromEntries(entries) as Decoded<T>
  )
