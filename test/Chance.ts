/**
 * Chance in the tests: what code draws without a generator of its own is drawn from a seed, anew for every test.
 * Rule: a test that fails fails again, alone or among others. TEST_SEED, a whole number, draws otherwise.
 */
import { beforeEach } from "vitest"
import { generator } from "./Draw.ts"

const { TEST_SEED = "1" } = process.env
if (!/^\d{1,9}$/.test(TEST_SEED)) throw new Error(`TEST_SEED takes a whole number, not ${TEST_SEED}`)

beforeEach(() => {
  Math.random = generator(Number(TEST_SEED))
})
