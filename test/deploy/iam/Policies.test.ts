/**
 * The policies of deploy/iam against every EC2 call that the operator makes in its stories.
 */
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { TestClock } from "effect/testing"
import { baseActions, optionalActions } from "./Actions.ts"
import * as Authorization from "./Authorization.ts"
import type { Recorded } from "./Call.ts"
import { isAllowed } from "./Evaluator.ts"
import * as Forbidden from "./Forbidden.ts"
import * as Policy from "./Policy.ts"
import { callsOf, type workloads } from "./Workloads.ts"

const base = Policy.read("base.json")
const least = Policy.read("least-privilege.json")
const descriptions = Policy.read("descriptions.json")

/** While something tagged with another id is taken over: that id stands beside the own one. */
const adoptingPlace = { ...Policy.place, adopted: ["unset"] }
const leastAdopting = Policy.read("least-privilege.json", adoptingPlace)

/** Whether nothing stands in the way of a call: where EC2 finds nothing behind an id, it asks for nothing. */
const allows = (policy: Policy.Policy, call: Recorded, where: Policy.Place = Policy.place): boolean =>
  Authorization.requestsOf(call, where).every((request) => isAllowed(policy, request))

const refused = (policy: Policy.Policy, calls: ReadonlyArray<Recorded>): ReadonlyArray<string> => [
  ...new Set(
    calls
      .filter((call) => !allows(policy, call))
      .map(({ action, parameters }) => `${action} ${JSON.stringify(parameters)}`)
  )
]

const record = (...names: ReadonlyArray<keyof typeof workloads>) =>
  Effect.runPromise(Effect.provide(callsOf(...names), Layer.merge(TestClock.layer(), Logger.layer([]))))

const isOptional = ({ action }: Recorded) => optionalActions.includes(action)
let recorded: ReadonlyArray<Recorded> = []
let adopting: ReadonlyArray<Recorded> = []
let optional: ReadonlyArray<Recorded> = []

beforeAll(async () => {
  const all = await record("addressesOfNodes", "addressesOfUsers", "rules", "takenOver")
  recorded = all.filter((call) => !isOptional(call))
  optional = all.filter(isOptional)
  adopting = await record("adopted")
})

const without = <A>(items: ReadonlyArray<A>, item: A): ReadonlyArray<A> => items.filter((i) => i !== item)

/** The policy with one statement changed; undefined takes it out. */
const changed = (
  policy: Policy.Policy,
  statement: Policy.Statement,
  by: Partial<Policy.Statement> | undefined
): Policy.Policy => policy.flatMap((s) => (s !== statement ? [s] : by === undefined ? [] : [{ ...s, ...by }]))

describe("what is recorded", () => {
  it("holds every action of the base policy but the one that is never called", () => {
    const seen = new Set([...recorded, ...adopting].map(({ action }) => action))
    assert.deepStrictEqual(
      baseActions.filter((action) => !seen.has(action)),
      ["ModifyInstanceAttribute"]
    )
    assert.deepStrictEqual(
      [...seen].filter((action) => !baseActions.includes(action)),
      []
    )
    assert.deepStrictEqual([...new Set(optional.map(({ action }) => action))].toSorted(), optionalActions)
  })
  it("asks IAM for something with each call, but to end an association that has ended", () => {
    const silent = [...recorded, ...adopting].filter(
      (call) => Authorization.requestsOf(call, Policy.place).length === 0
    )
    assert.deepStrictEqual([...new Set(silent.map(({ action }) => action))], ["DisassociateAddress"])
    for (const { account, parameters } of silent) {
      assert.notInclude(
        account.addresses.map((a) => a.associationId),
        parameters.AssociationId
      )
    }
  })
})

describe("base.json", () => {
  it("is the policy that the Go implementation needs, action by action", () => {
    assert.deepStrictEqual(
      base.flatMap((s) => s.actions),
      baseActions.map((action) => `ec2:${action}`)
    )
    assert.deepStrictEqual(
      base.map(({ conditions, effect, resources }) => ({ conditions, effect, resources })),
      [{ conditions: [], effect: "Allow", resources: ["*"] }]
    )
  })
  it("allows every call, those of a takeover too", () => {
    assert.deepStrictEqual(refused(base, [...recorded, ...adopting]), [])
  })
})

describe("least-privilege.json", () => {
  it("allows every call", () => {
    assert.deepStrictEqual(refused(least, recorded), [])
  })
  it("allows a takeover with the other id beside the own one, and not without", () => {
    assert.deepStrictEqual(refused(leastAdopting, adopting), [])
    const actions = new Set(adopting.filter((call) => !allows(least, call)).map(({ action }) => action))
    assert.includeMembers([...actions], ["CreateTags", "DeleteSecurityGroup", "ReleaseAddress"])
  })
  it("holds no action that the base policy does not hold", () => {
    assert.deepStrictEqual(
      least.flatMap((s) => s.actions).filter((action) => !base[0]?.actions.includes(action)),
      []
    )
  })
  for (const statement of least) {
    it(`${statement.sid}: without it a call is refused`, () => {
      assert.isNotEmpty(refused(changed(least, statement, undefined), recorded))
    })
    for (const action of statement.actions) {
      it(`${statement.sid}: without ${action} a call is refused`, () => {
        const poorer = changed(least, statement, { actions: without(statement.actions, action) })
        assert.isNotEmpty(refused(poorer, recorded))
      })
    }
    for (const resource of statement.resources) {
      it(`${statement.sid}: without ${resource} a call is refused`, () => {
        const poorer = changed(least, statement, { resources: without(statement.resources, resource) })
        assert.isNotEmpty(refused(poorer, recorded))
      })
    }
    for (const condition of statement.conditions) {
      for (const value of condition.values) {
        it(`${statement.sid}: without the value ${value} of ${condition.key} a call is refused, at the latest in a takeover`, () => {
          const narrowed = (policy: Policy.Policy): Policy.Policy =>
            policy.map((s) => ({
              ...s,
              conditions: s.conditions.map((c) =>
                s.sid === statement.sid && c.operator === condition.operator && c.key === condition.key
                  ? { ...c, values: without(c.values, value) }
                  : c
              )
            }))
          assert.isNotEmpty([
            ...refused(narrowed(least), recorded),
            ...refused(narrowed(leastAdopting), adopting)
          ])
        })
      }
      it(`${statement.sid}: without ${condition.operator} ${condition.key} a call is allowed that must not be`, () => {
        const richer = changed(least, statement, { conditions: without(statement.conditions, condition) })
        const allowed = Forbidden.calls.filter(({ call, where }) => allows(richer, call, where))
        assert.isNotEmpty(allowed)
      })
    }
  }
  for (const { call, what, where } of Forbidden.calls) {
    it(`refuses ${what}, which the base policy allows`, () => {
      assert.isFalse(allows(least, call, where))
      assert.isTrue(allows(base, call, where))
    })
  }
})

describe("descriptions.json", () => {
  it("adds what changes descriptions in place, in groups of the cluster only", () => {
    assert.isNotEmpty(optional)
    assert.deepStrictEqual(refused([...least, ...descriptions], optional), [])
    assert.deepStrictEqual(
      optional.filter((call) => allows(least, call) || allows(base, call)),
      []
    )
    const [call] = optional
    assert(call !== undefined)
    const foreign = { ...call, account: { ...call.account, groups: [] } }
    assert.isFalse(allows(descriptions, foreign))
  })
})

describe("README.md of the policies", () => {
  const page = Policy.textOf("README.md")
  it("says of each statement why it is there", () => {
    for (const { sid } of least)
      assert.match(page, new RegExp(`^\\|.*\`${sid}\`.* \\| .+ \\| .+ \\|$`, "m"), sid)
  })
  it("says of each placeholder what to put there, and no placeholder is left when that is done", () => {
    for (const name of ["least-privilege.json", "descriptions.json"]) {
      for (const [word] of Policy.textOf(name).matchAll(/\b[A-Z]{2,}(_[A-Z]+)*\b/g)) {
        assert.include(page, `| \`${word}\` |`, name)
      }
    }
    const filled = JSON.stringify([least, descriptions])
    assert.notMatch(filled, /\b(PARTITION|REGION|ACCOUNT_ID|VPC_ID|CLUSTER_ID)\b/)
  })
})
