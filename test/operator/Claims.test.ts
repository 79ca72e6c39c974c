/** Which labels are believed though EC2 does not show what they say. */
import { assert, describe, it } from "@effect/vitest"
import { type Claim, mayBeHere } from "../../src/operator/Claims.ts"
import { address, attachedTo } from "./Fixtures.ts"

const late: Claim = {
  address: address(1, "e"),
  isOurs: true,
  isTagged: true,
  isHere: false,
  isInherited: true,
  isGone: false,
  isTaken: false
}
const elsewhere = address(1, "e", { association: attachedTo("n2") })
const here = address(1, "e", { association: attachedTo("n1") })

const claims: ReadonlyArray<readonly [string, boolean, Partial<Claim>]> = [
  ["an earlier process may have attached it", true, {}],
  ["an earlier process may have moved it", true, { address: elsewhere }],
  ["a later read does not show it either", false, { isInherited: false }],
  ["a later read shows it somewhere else", false, { address: elsewhere, isInherited: false }],
  ["somebody else's address is shown in its place", false, { isTaken: true }],
  ["the status was copied from another object", false, { isTagged: false }],
  ["it is another cluster's, and here", true, { isOurs: false, isHere: true, address: here }],
  ["it is another cluster's, and not here", false, { isOurs: false, address: elsewhere }],
  ["it is not known at all yet", true, { address: undefined, isOurs: false, isTagged: false }],
  ["it is not known, and was not found", false, { address: undefined, isGone: true }],
  ["it is not known, and its interface taken", false, { address: undefined, isTaken: true }]
]

describe("the label of an address that is not shown on the node", () => {
  for (const [why, isBelieved, change] of claims) {
    it(`is ${isBelieved ? "" : "not "}believed: ${why}`, () => {
      assert.strictEqual(mayBeHere({ ...late, ...change }), isBelieved)
    })
  }
})
