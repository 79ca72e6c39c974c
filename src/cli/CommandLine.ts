/**
 * Which command a command line asks for, before any flag of it is read.
 * Rule: no command runs the operator; --help and --version are answered wherever they stand.
 */
import { Result } from "effect"
import { OptionsError, quote } from "./OptionsError.ts"
import { nearest } from "./Suggestion.ts"

export type Command =
  /** `argv` is what the parser of the command reads. */
  | { readonly _tag: "Run"; readonly argv: ReadonlyArray<string> }
  | { readonly _tag: "Simulate"; readonly argv: ReadonlyArray<string> }
  | { readonly _tag: "Crds" }
  | { readonly _tag: "Version" }
  | { readonly _tag: "Help"; readonly of: "kubestatic" | "simulate" }

const names = ["version", "crds", "simulate", "help"]
const helpWords = new Set(["--help", "-help", "-h", "--h"])
const versionWords = new Set(["--version", "-version"])

/** `argv` without node and the script: `process.argv.slice(2)`. */
export const parseCommand = (argv: ReadonlyArray<string>): Result.Result<Command, OptionsError> => {
  const [first = "", ...rest] = argv
  const isNamed = first !== "" && !first.startsWith("-")
  if (argv.some((word) => helpWords.has(word)) || first === "help") {
    const of =
      first === "simulate" || (first === "help" && rest[0] === "simulate") ? "simulate" : "kubestatic"
    return Result.succeed({ _tag: "Help", of })
  }
  if (!isNamed) {
    return Result.succeed(
      argv.some((word) => versionWords.has(word)) ? { _tag: "Version" } : { _tag: "Run", argv }
    )
  }
  switch (first) {
    case "simulate":
      return Result.succeed({ _tag: "Simulate", argv: rest })
    case "version":
    case "crds":
      return rest.length === 0
        ? Result.succeed({ _tag: first === "crds" ? "Crds" : "Version" })
        : Result.fail(new OptionsError({ message: `${first} takes nothing, not ${quote(rest[0] ?? "")}` }))
    default: {
      const near = nearest(first, names)
      return Result.fail(
        new OptionsError({
          message: `unknown command ${quote(first)}${near === undefined ? "" : `, did you mean ${near}?`} (see kubestatic --help)`
        })
      )
    }
  }
}
