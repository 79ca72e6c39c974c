/**
 * What an earlier process may have opened for a rule and EC2 may not show yet.
 * Rule: what was written is remembered by the process that wrote it, and EC2's answers lag behind by up to the
 * visibility window. Within that time of the first look at a rule, a read that does not show it proves nothing.
 */
import { Duration } from "effect"
import * as FirewallRule from "../../domain/FirewallRule.ts"
import * as Permission from "../../domain/Permission.ts"
import { visibilityWindow } from "../../ec2/Inventory.ts"

export interface Handover {
  /**
   * Until when (epoch milliseconds) it is not known whether the rule is open; 0: it is known.
   *
   * @param isShown whether EC2 shows this identity where the rule is, or was, to be open
   */
  readonly doubtedUntil: (
    rule: FirewallRule.FirewallRule,
    isShown: (key: string) => boolean,
    now: number
  ) => number
  /** The object is gone. */
  readonly forget: (name: string) => void
}

export const make = (): Handover => {
  const known = new Map<string, { readonly uid: string; until: number }>()

  const meet = (rule: FirewallRule.FirewallRule, now: number) => {
    const { name, uid } = rule.metadata
    const before = known.get(name)
    if (before?.uid === uid) return before
    // Nothing is opened before the finalizer is there.
    const until = FirewallRule.hasFinalizer(rule) ? now + Duration.toMillis(visibilityWindow) : 0
    const met = { uid, until }
    known.set(name, met)
    return met
  }

  return {
    doubtedUntil: (rule, isShown, now) => {
      const met = meet(rule, now)
      const { permissions } = rule
      const isKnown = permissions.length > 0 && permissions.every((p) => isShown(Permission.key(p)))
      if (met.until > 0 && isKnown) met.until = 0
      return met.until
    },
    forget: (name) => {
      known.delete(name)
    }
  }
}
