/**
 * CustomResourceDefinitions put in the place of others.
 * Rule: a definition takes effect a moment after it is stored; whoever goes on from here is judged by the new one.
 */
import { Effect } from "effect"
import { eventually, missing, there } from "./Eventually.ts"
import type { World } from "./World.ts"

type Fields = Readonly<Record<string, unknown>>

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
  })
