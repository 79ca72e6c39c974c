/**
 * What the API server says of our custom resources at admission.
 * Rule: it follows from the same Schemas as the CRDs; what was stored and is not changed is let through.
 */
import { Result } from "effect"
import * as ExternalIP from "./ExternalIP.ts"
import * as FirewallRule from "./FirewallRule.ts"
import type { Raw } from "./Object.ts"

export const admit = (kind: string, object: Raw, stored?: Raw): Result.Result<Raw, string> => {
  if (kind !== "ExternalIP" && kind !== "FirewallRule") return Result.succeed(object)
  if (stored !== undefined && JSON.stringify(stored.spec) === JSON.stringify(object.spec)) return Result.succeed(object)
  const { spec } = kind === "ExternalIP" ? ExternalIP.decode(object) : FirewallRule.decode(object)
  return Result.map(spec as Result.Result<unknown, string>, () => object)
}
