/**
 * What a flag takes: a description for people and a decoder of one text.
 * Rule: a decoder is total; it answers with the value or with the reason why the text is refused.
 */
import { type Duration, Result } from "effect"
import { group, Tag, type Tags } from "../domain/Names.ts"
import * as BindAddress from "../http/BindAddress.ts"
import * as GoDuration from "./GoDuration.ts"
import { quote } from "./OptionsError.ts"

export interface Value<A> {
  /** Goes after "takes": "a duration such as 10s". */
  readonly takes: string
  /** Fails with a whole reason where `takes` does not say enough, else with undefined. */
  readonly decode: (text: string) => Result.Result<A, string | undefined>
  /** Why the empty text is no way to leave this one unset; absent where it is. */
  readonly refusesEmpty?: string
}

const value = <A>(takes: string, read: (text: string) => A | undefined): Value<A> => ({
  takes,
  decode: (text) => {
    const read_ = read(text)
    return read_ === undefined ? Result.fail(undefined) : Result.succeed(read_)
  }
})

const matching = (takes: string, pattern: RegExp): Value<string> =>
  value(takes, (text) => (pattern.test(text) ? text : undefined))

const orList = (words: ReadonlyArray<string>): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`

/** The words strconv.ParseBool of Go takes. */
const goWords: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "TRUE", "true", "True"].map((word) => [word, true] as const),
  ...["0", "f", "F", "FALSE", "false", "False"].map((word) => [word, false] as const)
])
export const isGoBoolean = (text: string): boolean => goWords.has(text)
export const boolean: Value<boolean> = value("true or false", (text) => goWords.get(text))

export const duration: Value<Duration.Duration> = value(
  "a duration such as 10s, 1m30s or 0",
  GoDuration.parse
)

export const path = (takes: string): Value<string> => value(takes, (text) => text)

export const integer = (takes: string, low: number, high: number): Value<number> =>
  value(takes, (text) => {
    const n = /^\d+$/.test(text) ? Number(text) : Number.NaN
    return n >= low && n <= high ? n : undefined
  })

const decimal = (text: string): number => (/^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN)

export const share: Value<number> = value("a number above 0 and at most 1", (text) => {
  const n = decimal(text)
  return n > 0 && n <= 1 ? n : undefined
})

/** How many times faster than real time a simulation runs; "max" never waits. */
export const speed: Value<number | "max"> = value("a number above 0, or max", (text) => {
  const n = text === "max" ? text : decimal(text)
  return n === "max" || (n > 0 && Number.isFinite(n)) ? n : undefined
})

/** Words that mean themselves. */
export const oneOf = <const W extends string>(words: ReadonlyArray<W>): Value<W> =>
  value(orList(words), (text) => words.find((word) => word === text))

/** `console` is what zap calls text. */
export const logFormat: Value<"json" | "text"> = value("json, text or console", (text) =>
  text === "json" ? "json" : text === "text" || text === "console" ? "text" : undefined
)

const logLevels = ["debug", "info", "warn", "error", "panic"] as const
export type LogLevelName = (typeof logLevels)[number]

/** zap's level words in any letter case; a number from 1 up is a verbosity, which is debug. */
export const logLevel: Value<LogLevelName> = value(`${orList(logLevels)}, or a number from 1 up`, (text) =>
  /^0*[1-9]\d*$/.test(text) ? "debug" : logLevels.find((level) => level === text.toLowerCase())
)

/** RFC 1123 label, as namespaces are named. */
export const namespace: Value<string> = matching(
  "the name of a namespace",
  /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
)

export const vpcId: Value<string> = matching(
  "the id of a VPC such as vpc-0123456789abcdef0",
  /^vpc-[0-9a-f]+$/
)

const clusterIdCharacters = /^[A-Za-z0-9._-]{1,64}$/
const clusterIdWayOut =
  "leave it out to use the UID of the kube-system namespace, and name --adopt-cluster-id=unset to take over what the Go implementation tagged"

/** The Go default `unset` is the same in every cluster of an account: two of them would fight. */
export const clusterId: Value<string> = {
  takes: "1 to 64 of A-Z, a-z, 0-9, ., _ and -",
  refusesEmpty: `must not be empty: ${clusterIdWayOut}`,
  decode: (text) =>
    text === "unset"
      ? Result.fail(`must not be "unset", which is no id of one cluster: ${clusterIdWayOut}`)
      : clusterIdCharacters.test(text)
        ? Result.succeed(text)
        : Result.fail(undefined)
}

/** Here `unset` is an id like any other: the one to take over from. */
export const adoptedClusterId: Value<string> = matching(clusterId.takes, clusterIdCharacters)

/** EC2 allows 50 tags on a resource; ours take up to five of them. */
const mostTags = 45
/** EC2 keeps these for AWS, for us and for the cloud controller, in this order. */
const reservedPrefixes = ["aws:", `${group}/`, "kubernetes.io/cluster/"]

const tagProblem = (key: string, value: string): string | undefined => {
  const reserved = reservedPrefixes.find((prefix) => key.toLowerCase().startsWith(prefix))
  if (reserved !== undefined)
    return `must not use ${quote(key)}: tags that begin with ${reserved} are reserved`
  if (key === Tag.name) return `must not use ${quote(key)}: kubestatic names what it makes itself`
  if (key === "" || key.length > 128) return `has the key ${quote(key)}; EC2 takes 1 to 128 characters`
  if (value.length > 256)
    return `has a value of ${value.length} characters for ${quote(key)}; EC2 takes up to 256`
  return undefined
}

/** `k=v,k=v`: a value may be empty or hold "=", neither holds a comma; a key given twice: the last wins; "": none. */
export const tags: Value<Tags> = {
  takes: "tags such as team=edge,stage=prod",
  decode: (text) => {
    const read = new Map<string, string>()
    for (const pair of text === "" ? [] : text.split(",")) {
      const at = pair.indexOf("=")
      if (at < 0) return Result.fail(undefined)
      const key = pair.slice(0, at).trim()
      const content = pair.slice(at + 1).trim()
      const problem = tagProblem(key, content)
      if (problem !== undefined) return Result.fail(problem)
      read.set(key, content)
    }
    return read.size > mostTags
      ? Result.fail(`names ${read.size} tags; EC2 leaves room for ${mostTags}`)
      : Result.succeed(Object.fromEntries(read))
  }
}

export const bindAddress: Value<BindAddress.BindAddress | "off"> = value(
  "an address such as :8080 or 127.0.0.1:8080, or 0 for none",
  (text) => (text === "0" ? "off" : BindAddress.parse(text))
)
