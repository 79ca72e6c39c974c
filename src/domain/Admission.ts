/**
 * What the API server says of our custom resources at admission.
 * Rule: the same verdicts as the CRDs, from the same Schemas; what was stored and is not changed is let through.
 */
import { Result } from "effect"
import { NetAddress } from "effect/net"
import * as Crd from "./Crd.ts"
import * as ExternalIP from "./ExternalIP.ts"
import * as FirewallRule from "./FirewallRule.ts"
import type { Raw } from "./Object.ts"

type Verdict = Result.Result<Raw, string>
type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** As the API server stores it: unknown fields and nulls dropped, defaults filled in. */
const normalized = (schema: Fields, value: unknown): unknown => {
  if (Array.isArray(value)) return value.map((item) => normalized(schema.items as Fields, item))
  if (!isFields(value) || !isFields(schema.properties)) return value
  const known = schema.properties as Readonly<Record<string, Fields>>
  const entries = Object.entries(known).flatMap(([name, field]) => {
    const given = value[name] ?? field.default
    return given === undefined ? [] : [[name, normalized(field, given)] as const]
  })
  return Object.fromEntries(entries)
}

const schemaOf = (definition: Crd.Structural): Readonly<Record<"spec" | "status", Fields>> => {
  const { versions } = definition.spec as { readonly versions: ReadonlyArray<Fields> }
  const schema = (versions[0]?.schema ?? {}) as { readonly openAPIV3Schema: Fields }
  return schema.openAPIV3Schema.properties as Readonly<Record<"spec" | "status", Fields>>
}
const schemas = { ExternalIP: schemaOf(Crd.externalIP), FirewallRule: schemaOf(Crd.firewallRule) }

/** What decoding lets pass for the sake of stored objects, and a new object may not hold. */
const complaint = (kind: keyof typeof schemas, spec: unknown): string | undefined => {
  if (kind === "ExternalIP" || !isFields(spec)) return undefined
  const { publicIPAddress: ip } = spec
  if (typeof ip === "string" && ip !== "" && Result.isFailure(NetAddress.ipv4FromString(ip))) {
    return `spec.publicIPAddress: "${ip}" is not an IPv4 address`
  }
  return spec.description === undefined ? "spec.description: Required value" : undefined
}

/**
 * The object as it would be stored, or in one line why it is refused.
 *
 * @param stored the object before an update; absent on creation
 */
export const admit = (kind: string, object: Raw, stored?: Raw): Verdict => {
  if (kind !== "ExternalIP" && kind !== "FirewallRule") return Result.succeed(object)
  const schema = schemas[kind]
  const { spec: givenSpec, status: givenStatus, ...rest } = object
  const admitted: Raw = {
    ...rest,
    metadata: object.metadata,
    ...(givenSpec === undefined ? {} : { spec: normalized(schema.spec, givenSpec) }),
    ...(givenStatus === undefined ? {} : { status: normalized(schema.status, givenStatus) })
  }
  // Ratcheting: a rule newer than the object does not stand in the way of changing something else.
  const isUnchanged =
    stored !== undefined &&
    JSON.stringify(normalized(schema.spec, stored.spec)) === JSON.stringify(admitted.spec)
  if (givenSpec === undefined || isUnchanged) return Result.succeed(admitted)
  const decoded: Result.Result<unknown, string> =
    kind === "ExternalIP" ? ExternalIP.decode(object).spec : FirewallRule.decode(object).spec
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const refused = complaint(kind, givenSpec)
  return refused === undefined ? Result.succeed(admitted) : Result.fail(refused)
}
