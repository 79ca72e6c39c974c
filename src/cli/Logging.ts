/**
 * What a log entry looks like: one JSON object a line as zap writes it, or text for people.
 * Rule: entries go to standard error, so that standard output carries only what a command prints.
 */
import { Formatter, Layer, Logger, type LogLevel, References } from "effect"
import type { LogLevelName } from "./Value.ts"

interface Entry {
  /** RFC 3339 with milliseconds. */
  readonly ts: string
  readonly level: string
  readonly msg: string
  /** Annotations, and spans as milliseconds. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly error: string | undefined
}

const asText = (part: unknown): string => (typeof part === "string" ? part : Formatter.formatJson(part))

const entry: Logger.Logger<unknown, Entry> = Logger.map(Logger.formatStructured, (e) => ({
  ts: e.timestamp,
  level: e.level.toLowerCase(),
  // A cause logged alone leaves the message empty: its first line says what happened.
  msg:
    (Array.isArray(e.message) ? e.message.map(asText).join(" ") : asText(e.message)) ||
    (e.cause?.split("\n")[0] ?? ""),
  fields: { ...e.annotations, ...e.spans },
  error: e.cause
}))

/** The keys ts, level, msg and error are the entry's own: an annotation of that name gets an underscore. */
const json: Logger.Logger<unknown, string> = Logger.map(entry, ({ fields, error, ...own }) => {
  const line: Record<string, unknown> = { ...own }
  for (const [key, value] of Object.entries(fields)) {
    line[key in own || key === "error" ? `${key}_` : key] = value
  }
  if (error !== undefined) line.error = error
  return Formatter.formatJson(line)
})

const text: Logger.Logger<unknown, string> = Logger.map(entry, ({ ts, level, msg, fields, error }) => {
  const pairs = Object.entries(fields).map(
    ([key, value]) =>
      `${key}=${typeof value === "string" && /^[^\s"=]+$/.test(value) ? value : Formatter.formatJson(value)}`
  )
  const line = [ts, level.toUpperCase().padEnd(5), msg, ...pairs].join(" ")
  // Further lines are indented: an entry begins where a line does.
  return (error === undefined ? line : `${line}\n${error}`).replaceAll("\n", "\n  ")
})

const minimum: Readonly<Record<LogLevelName, LogLevel.LogLevel>> = {
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  error: "Error",
  panic: "Fatal"
}

/** Replaces every other logger. */
export const layer = (options: {
  readonly logFormat: "json" | "text"
  readonly logLevel: LogLevelName
}): Layer.Layer<never> =>
  Layer.merge(
    Logger.layer([Logger.withConsoleError(options.logFormat === "json" ? json : text)]),
    Layer.succeed(References.MinimumLogLevel, minimum[options.logLevel])
  )
