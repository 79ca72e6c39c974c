/**
 * Writes down every call that the operator makes to a simulated EC2, with what EC2 knew when it came.
 * Rule: a call is judged by the account before it, never after; calls of others are not recorded.
 */
import type { Ec2World } from "../../../src/simulation/Ec2World.ts"
import * as Account from "./Account.ts"
import * as Call from "./Call.ts"

/** Records from now on. */
export const record = (ec2: Ec2World["Service"]): (() => ReadonlyArray<Call.Recorded>) => {
  const calls: Array<Call.Recorded> = []
  let before = Account.of(ec2)
  // The journal tells of every change, by whomever, right after it was made.
  ec2.onEntry(({ action, by, request }) => {
    if (by === "service") calls.push({ ...Call.fromService(action, request), account: before })
    if (!action.startsWith("Describe")) before = Account.of(ec2)
  })
  return () => calls
}
