/**
 * Whom a kubeconfig's user acts as, told to the API server in headers.
 * Rule: the same headers as client-go's transport/round_trippers.go. Each group and each value of an extra is a header
 * of its own: the API server takes a comma as part of a name.
 */
import type { Credentials } from "./Access.ts"

/** Go writes an empty list as null. */
type Texts = ReadonlyArray<string> | null

/** The fields of `users[].user` (client-go, clientcmd/api/v1.AuthInfo). */
export interface Impersonation {
  readonly as?: string | null | undefined
  readonly "as-uid"?: string | null | undefined
  readonly "as-groups"?: Texts | undefined
  readonly "as-user-extra"?: Readonly<Record<string, Texts>> | null | undefined
}

/** The field that says more of somebody who is not named, which client-go refuses. */
export const withoutName = (o: Impersonation): string | undefined => {
  if (o.as) return undefined
  if (o["as-uid"]) return "as-uid"
  if (o["as-groups"]?.length) return "as-groups"
  return Object.keys(o["as-user-extra"] ?? {}).length > 0 ? "as-user-extra" : undefined
}

/** Node sends a character as one byte; Go sends UTF-8. */
const bytes = (text: string): string => Buffer.from(text).toString("latin1")

/** What no header's name may have is percent-encoded, and the percent sign itself; names carry no case. */
const extraName = (key: string): string => {
  const escaped = bytes(key).replaceAll(
    /[^!#$&'*+\-.^_`|~0-9A-Za-z]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, "0")}`
  )
  return `impersonate-extra-${escaped.toLowerCase()}`
}

export const add = (credentials: Credentials, o: Impersonation): Credentials => {
  if (!o.as) return credentials
  const repeated: Record<string, Array<string>> = {}
  const append = (name: string, values: Texts | undefined): void => {
    if (values?.length) repeated[name] = [...(repeated[name] ?? []), ...values.map(bytes)]
  }
  append("impersonate-group", o["as-groups"])
  // Keys that differ in case only are one header.
  for (const [key, values] of Object.entries(o["as-user-extra"] ?? {})) append(extraName(key), values)
  const headers = {
    ...credentials.headers,
    "impersonate-user": bytes(o.as),
    ...(o["as-uid"] ? { "impersonate-uid": bytes(o["as-uid"]) } : {}),
    ...repeated
  }
  return { ...credentials, headers }
}
