/**
 * How one custom resource is decoded: metadata always, spec as a result, status leniently.
 * Rule: an object that cannot be decoded is still an object: it can be reported, cleaned up and deleted.
 */
import { Result, Schema, SchemaIssue } from "effect"

/** A raw object of the Kubernetes API, as JSON gives it. */
export interface Raw {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly [field: string]: unknown
}

/** A JSON object, as opposed to a list, null, or a scalar. */
export const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Drops null and "" members: Go writes absent values so, and "" means unset. */
export const withoutUnset = (value: unknown): unknown =>
  isFields(value)
    ? Object.fromEntries(Object.entries(value).filter(([, v]) => v !== null && v !== ""))
    : value

const format = SchemaIssue.makeFormatterStandardSchemaV1()

/** `["ipRanges", 0, "cidr"]` -> `spec.ipRanges[0].cidr`. */
const pathOf = (path: ReadonlyArray<unknown>): string =>
  path.reduce<string>(
    (text, part) => (typeof part === "number" ? `${text}[${part}]` : `${text}.${String(part)}`),
    "spec"
  )

/**
 * A decoder that answers with the first problem, in one line that names the field and what it takes.
 * It looks at types only: what the checks of the Schema refuse may have been stored before they were made.
 */
export const decodeSpec = <S extends Schema.Codec<unknown, unknown, never, never>>(schema: S) => {
  const decode = Schema.decodeUnknownResult(schema, { disableChecks: true })
  return (raw: unknown): Result.Result<S["Type"], string> =>
    Result.mapError(decode(raw), (error) => {
      const [first] = format(error.issue).issues
      const path = pathOf((first?.path ?? []).map((p) => (typeof p === "object" ? p.key : p)))
      return `${path}: ${first?.message.replaceAll(/\s*\n\s*/g, " ") ?? "cannot be read"}`
    })
}

/** Decodes a status field by field: one bad field is dropped, the others stay known. */
export const decodeStatus = <A extends object>(
  fields: {
    readonly [K in keyof A]-?: Schema.Codec<NonNullable<A[K]>, unknown, never, never>
  }
) => {
  const decoders = Object.entries(fields).map(
    ([name, schema]) => [name, Schema.decodeUnknownResult(schema as Schema.Codec<unknown>)] as const
  )
  return (raw: unknown): A => {
    const source = isFields(raw) ? raw : {}
    const out: Record<string, unknown> = {}
    for (const [name, decode] of decoders) {
      if (source[name] === undefined || source[name] === null || source[name] === "") continue
      const decoded = decode(source[name])
      if (Result.isSuccess(decoded)) out[name] = decoded.success
    }
    return out as A
  }
}
