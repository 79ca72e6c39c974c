/**
 * Who may read the metrics: the API server is asked about every request, as the Go implementation does.
 * Rule: nothing is remembered and nothing is allowed by default; a token is never logged.
 */
import { Effect, Schema } from "effect"
import {
  apiVersionOf,
  Kubernetes,
  type Resource,
  subjectAccessReviews,
  tokenReviews
} from "../kubernetes/Kubernetes.ts"

export type Verdict =
  | { readonly _tag: "Allowed" }
  /** 401: no token, or one that the API server does not know. */
  | { readonly _tag: "Unauthenticated" }
  /** 403: known, and not permitted. */
  | { readonly _tag: "Forbidden"; readonly user: string }
  /** 503: the API server could not be asked. */
  | { readonly _tag: "Unavailable" }

const NullOr = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** authentication.k8s.io/v1 UserInfo. */
const User = Schema.Struct({
  username: NullOr(Schema.String),
  uid: NullOr(Schema.String),
  groups: NullOr(Schema.Array(Schema.String)),
  extra: NullOr(Schema.Record(Schema.String, Schema.Array(Schema.String)))
})
const TokenReviewStatus = Schema.Struct({ authenticated: NullOr(Schema.Boolean), user: NullOr(User) })
const AccessReviewStatus = Schema.Struct({
  allowed: NullOr(Schema.Boolean),
  denied: NullOr(Schema.Boolean)
})

/** The API server's answer to a review, or why there is none. */
class ReviewError extends Schema.TaggedError<ReviewError>()("ReviewError", { message: Schema.String }) {}

/** RFC 6750: the scheme in any letter case, one token of b64token characters. */
const bearer = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i

export const bearerToken = (header: string | undefined): string | undefined =>
  bearer.exec(header?.trim() ?? "")?.[1]

/** Creates a review and reads its status. A TokenReview echoes the token: what cannot be read is not shown. */
const review = Effect.fnUntraced(function* <S extends Schema.Codec<unknown, unknown, never, never>>(
  resource: Resource,
  spec: Readonly<Record<string, unknown>>,
  status: S
): Effect.fn.Return<S["Type"], ReviewError, Kubernetes> {
  const kubernetes = yield* Kubernetes
  const object = { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata: {}, spec }
  const answer = yield* Effect.mapError(
    kubernetes.create(resource, object),
    (error) => new ReviewError({ message: error.message })
  )
  return yield* Effect.mapError(
    Schema.decodeUnknownEffect(status)(answer.status),
    () => new ReviewError({ message: `the answer to a ${resource.kind} has no status that can be read` })
  )
})

/**
 * May the holder of this token get `path`? One TokenReview, then one SubjectAccessReview with the verb get
 * on the nonResourceURL, which is what a ClusterRole for a scraper grants.
 */
export const authorize = Effect.fn("Authorization.authorize")(
  function* (token: string, path: string): Effect.fn.Return<Verdict, ReviewError, Kubernetes> {
    const { authenticated, user } = yield* review(tokenReviews, { token }, TokenReviewStatus)
    if (authenticated !== true || !user?.username) return { _tag: "Unauthenticated" }

    const spec = {
      user: user.username,
      uid: user.uid ?? "",
      groups: user.groups ?? [],
      extra: user.extra ?? {},
      nonResourceAttributes: { path, verb: "get" }
    }
    const { allowed, denied } = yield* review(subjectAccessReviews, spec, AccessReviewStatus)
    return allowed === true && denied !== true
      ? { _tag: "Allowed" }
      : { _tag: "Forbidden", user: user.username }
  },
  Effect.catch((error) =>
    Effect.as(Effect.logWarning(`whether metrics may be read cannot be told: ${error.message}`), {
      _tag: "Unavailable"
    } as const)
  )
)
