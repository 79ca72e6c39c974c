/**
 * CustomResourceDefinitions put in the place of others.
 * Rule: a definition takes effect a moment after it is stored; whoever goes on from here is judged by the new one.
 */
import { Effect } from "effect"
import type { ApiServer } from "./ApiServer.ts"
import { eventually, missing, type NeverCame, there } from "./Eventually.ts"
import type { World } from "./World.ts"

type Fields = Readonly<Record<string, unknown>>

const collections = ["externalips", "firewallrules"].map(
  (plural) => `/apis/kubestatic.quortex.io/v1alpha1/${plural}`
)

/**
 * Lists and watches of both kinds are served. A definition is Established before: until its storage is ready the API
 * server answers watches with 429 ("storage is (re)initializing").
 */
export const served = (apiServer: ApiServer): Effect.Effect<void, NeverCame> =>
  eventually(
    "the definitions are served",
    Effect.map(
      Effect.forEach(
        collections.flatMap((path) => [path, `${path}?watch=true&timeoutSeconds=60`]),
        (path) => apiServer.status(path),
        { concurrency: "unbounded" }
      ),
      (codes) => (codes.every((code) => code === 200) ? there(undefined) : missing(codes.join(", ")))
    )
  )

/** Refused by our definitions, for its protocol, and by none before them. */
const probe = {
  apiVersion: "kubestatic.quortex.io/v1alpha1",
  kind: "FirewallRule",
  metadata: { name: "probe" },
  spec: {
    description: "d",
    direction: "Ingress",
    protocol: "bogus",
    fromPort: 1,
    ipRanges: [{ cidr: "10.0.0.0/8", description: "" }]
  }
}

export const use = (
  world: World["Service"],
  o: { readonly definitions: ReadonlyArray<Fields>; readonly refuseTheProbe: boolean }
) =>
  Effect.gen(function* () {
    yield* world.kubectl.apply(...o.definitions)
    const path = "/apis/kubestatic.quortex.io/v1alpha1/firewallrules?dryRun=All"
    yield* eventually(
      "the definitions have taken effect",
      Effect.map(world.apiServer.request({ method: "POST", path, body: probe }), ({ body, status }) =>
        status === (o.refuseTheProbe ? 422 : 201) ? there(undefined) : missing(`${status} ${body}`)
      )
    )
    yield* served(world.apiServer)
  })
