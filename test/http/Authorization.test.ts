/**
 * Whom the API server lets read the metrics, and what it is asked.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { authorize, bearerToken } from "../../src/http/Authorization.ts"
import * as Reviews from "./Reviews.ts"

describe("Authorization", () => {
  for (const [header, token] of [
    ["Bearer abc", "abc"],
    ["bearer abc.DEF-1_2~3+4/5==", "abc.DEF-1_2~3+4/5=="],
    [" BEARER   abc ", "abc"],
    [undefined, undefined],
    ["", undefined],
    ["Bearer", undefined],
    ["Bearer ", undefined],
    ["Bearer a b", undefined],
    ["Basic abc", undefined],
    ["Bearerabc", undefined]
  ] as const) {
    it(`the header ${JSON.stringify(header)} holds ${token === undefined ? "no token" : "a token"}`, () =>
      assert.strictEqual(bearerToken(header), token))
  }

  it.effect("asks who holds the token, then whether that one may get the path", () =>
    Effect.gen(function* () {
      const reviews = Reviews.usual()
      const verdict = yield* authorize("scraper", "/metrics").pipe(Effect.provide(reviews.layer))
      assert.deepStrictEqual(verdict, { _tag: "Allowed" })
      assert.deepStrictEqual(reviews.asked, [
        {
          plural: "tokenreviews",
          object: {
            apiVersion: "authentication.k8s.io/v1",
            kind: "TokenReview",
            metadata: {},
            spec: { token: "scraper" }
          }
        },
        {
          plural: "subjectaccessreviews",
          object: {
            apiVersion: "authorization.k8s.io/v1",
            kind: "SubjectAccessReview",
            metadata: {},
            spec: {
              user: "scraper",
              uid: "uid-of-scraper",
              groups: ["system:authenticated"],
              extra: { "authentication.kubernetes.io/pod-name": ["prometheus-0"] },
              nonResourceAttributes: { path: "/metrics", verb: "get" }
            }
          }
        }
      ])
    })
  )

  const user = { username: "someone" }
  const known = { authenticated: true, user }
  const knownAsGoWritesIt = { authenticated: true, user: { ...user, groups: null, extra: null } }
  const allowed = { allowed: true }
  /** What is answered: to the token review, to the access review; how many reviews are asked for; the verdict. */
  const table: ReadonlyArray<readonly [string, unknown, unknown, 1 | 2, string]> = [
    ["a known user who is allowed", known, allowed, 2, "Allowed"],
    ["null where Go writes nothing", knownAsGoWritesIt, { allowed: true, denied: null }, 2, "Allowed"],
    ["a user who is not allowed", known, { allowed: false }, 2, "Forbidden"],
    ["a user who is denied as well", known, { allowed: true, denied: true }, 2, "Forbidden"],
    ["an access review that says nothing", known, {}, 2, "Forbidden"],
    ["a token that is not known", { authenticated: false }, allowed, 1, "Unauthenticated"],
    ["a token review that says nothing", {}, allowed, 1, "Unauthenticated"],
    ["a token of no name", { authenticated: true, user: { username: "" } }, allowed, 1, "Unauthenticated"],
    ["a token of no user", { authenticated: true }, allowed, 1, "Unauthenticated"],
    ["a user without the word that it is known", { user }, allowed, 1, "Unauthenticated"],
    ["no status of the token review", undefined, allowed, 1, "Unavailable"],
    ["no status of the access review", known, undefined, 2, "Unavailable"],
    ["a status of another shape", { authenticated: "true", user }, allowed, 1, "Unavailable"],
    ["a token review that may not be made", "refused", allowed, 1, "Unavailable"],
    ["an access review that may not be made", known, "refused", 2, "Unavailable"]
  ]
  for (const [what, tokenStatus, accessStatus, questions, verdict] of table) {
    it.effect(`${what}: ${verdict}`, () =>
      Effect.gen(function* () {
        const reviews = Reviews.make((resource) =>
          resource.plural === "tokenreviews" ? tokenStatus : accessStatus
        )
        const logged: Array<string> = []
        const answer = yield* authorize("s3cret", "/metrics").pipe(
          Effect.provide(reviews.layer),
          Effect.provide(Logger.layer([Logger.map(Logger.formatJson, (line) => logged.push(line))]))
        )
        assert.strictEqual(answer._tag, verdict)
        assert.lengthOf(reviews.asked, questions)
        assert.lengthOf(logged, verdict === "Unavailable" ? 1 : 0)
        assert.notInclude(logged.join(), "s3cret")
      })
    )
  }
})
