/**
 * A cluster, an EC2 and the operator between them, all real but EC2, which is an emulator.
 * Rule: everything a suite needs and nothing shared with another suite; it all ends with the scope.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Context, Effect, Layer, type Scope } from "effect"
import * as Emulator from "../emulator/Emulator.ts"
import { inWords, locate } from "../setup/Assets.ts"
import * as ApiServer from "./ApiServer.ts"
import { root } from "./Bundle.ts"
import * as Cloud from "./Cloud.ts"
import * as Definitions from "./Definitions.ts"
import * as Etcd from "./Etcd.ts"
import { eventually, missing, type Options as Patience, settled, there } from "./Eventually.ts"
import type * as Explanation from "./Explanation.ts"
import * as Kubectl from "./Kubectl.ts"
import * as OperatorProcess from "./OperatorProcess.ts"
import * as Truth from "./Truth.ts"
import * as Wire from "./Wire.ts"

export interface NodeOptions {
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: ReadonlyArray<Readonly<Record<string, string>>>
  readonly providerID?: string
}

export const autoAssign = { "kubestatic.quortex.io/externalip-auto-assign": "true" } as const

export const node = (name: string, o: NodeOptions) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, labels: o.labels ?? {} },
  spec: {
    ...(o.providerID === undefined ? {} : { providerID: o.providerID }),
    ...(o.taints === undefined ? {} : { taints: o.taints })
  }
})

type Fields = Readonly<Record<string, unknown>>
const apiVersion = "kubestatic.quortex.io/v1alpha1"

export const externalIP = (name: string, spec: Fields = {}) => ({
  apiVersion,
  kind: "ExternalIP",
  metadata: { name },
  spec
})

/** tcp 80 from 10.0.0.0/8, into the node, unless said otherwise. */
export const firewallRule = (name: string, spec: Fields) => ({
  apiVersion,
  kind: "FirewallRule",
  metadata: { name },
  spec: {
    description: "test",
    direction: "Ingress",
    protocol: "tcp",
    fromPort: 80,
    ipRanges: [{ cidr: "10.0.0.0/8" }],
    ...spec
  }
})

/** Of a file or folder of the repository. */
const repository = (...path: ReadonlyArray<string>): string => join(root, ...path)

export const make = Effect.gen(function* () {
  const located = locate(process.env)
  if (located._tag === "Incomplete") {
    return yield* Effect.die(new Error(`not there: ${inWords(located.missing)}; run npm run e2e:setup`))
  }
  const { assets } = located
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "kubestatic-e2e-"))),
    // Kept for a look at the logs when asked for.
    (path) => Effect.sync(() => process.env.KUBESTATIC_E2E_KEEP || rmSync(path, { recursive: true }))
  )
  const startEmulator = Emulator.start({ python: assets.python, folder })
  const startControlPlane = Effect.gen(function* () {
    const etcd = yield* Etcd.make(assets.etcd, folder)
    return { etcd, apiServer: yield* ApiServer.make(assets.kubeApiserver, folder, etcd) }
  })
  const [emulator, { apiServer, etcd }] = yield* Effect.all([startEmulator, startControlPlane], {
    concurrency: 2
  })
  const kubectl = Kubectl.make(assets.kubectl, apiServer.kubeconfig, folder)
  const cloud = Cloud.make(emulator.url)
  const wire = yield* Wire.make(emulator.url)

  yield* kubectl.ok(["create", "namespace", OperatorProcess.namespace])
  yield* kubectl.ok(["apply", "--server-side", "-f", repository("crds"), "--recursive"])
  yield* kubectl.ok(["wait", "--for=condition=Established", "crd", "--all"])
  yield* Definitions.served(apiServer)
  for (const file of ["service-account.yaml", "rbac.yaml"]) {
    yield* kubectl.ok(["apply", "--server-side", "-f", repository("deploy", "manifests", file)])
  }
  const tokenFile = join(folder, "token")
  yield* OperatorProcess.writeToken(kubectl, tokenFile)

  const worlds = Effect.gen(function* () {
    const objects = yield* kubectl.list("externalips,firewallrules,nodes")
    const of = (kind: string) => objects.filter((o) => o.kind === kind)
    const [addresses, groups, instances] = yield* Effect.all(
      [cloud.addresses, cloud.groups, cloud.instances],
      {
        concurrency: "unbounded"
      }
    )
    return {
      externalIPs: of("ExternalIP"),
      firewallRules: of("FirewallRule"),
      nodes: of("Node"),
      addresses,
      groups,
      instances
    }
  })

  const operators: Array<OperatorProcess.OperatorProcess> = []
  const lives: Array<Explanation.Life> = []

  return {
    assets,
    folder,
    etcd,
    apiServer,
    emulator,
    /** Straight to EC2: what the owner of the account sees and does. */
    cloud,
    /** Between operators and EC2. */
    wire,
    kubectl,
    tokenFile,
    rotateToken: OperatorProcess.writeToken(kubectl, tokenFile),
    readToken: () => readFileSync(tokenFile, "utf8"),
    writeFile: (name: string, content: string) => {
      const path = join(folder, name)
      writeFileSync(path, content)
      return path
    },
    /** Runs as long as the surrounding scope, or until it is ended. */
    startOperator: (
      o: Partial<OperatorProcess.Options> = {}
    ): Effect.Effect<
      OperatorProcess.OperatorProcess,
      Effect.Error<ReturnType<typeof OperatorProcess.start>>,
      Scope.Scope
    > =>
      Effect.gen(function* () {
        const from = Date.now()
        let to = Number.POSITIVE_INFINITY
        const operator = yield* OperatorProcess.start({ ec2: wire.url, ...o, apiServer, tokenFile, folder })
        lives.push({ from, toldToEndAt: operator.toldToEndAt, to: () => to })
        operators.push(operator)
        yield* Effect.forkDetach(
          Effect.map(operator.exited, () => {
            to = Date.now()
          })
        )
        return operator
      }),
    /** When each operator ran. */
    lives: lives as ReadonlyArray<Explanation.Life>,
    /** The end of the last operator's log, and its last requests on both sides. */
    lastWords: (): string => {
      const operator = operators.at(-1)
      const requests = apiServer
        .audit()
        .filter((e) => e.user.username === OperatorProcess.user)
        .map((e) => `${e.requestReceivedTimestamp} ${e.verb} ${e.requestURI} ${e.responseStatus?.code}`)
      const calls = wire
        .calls()
        .map((c) => `${new Date(c.sentAt).toISOString()} ${c.action} ${c.fate} ${wire.answer(c)?.status}`)
      return [
        operator === undefined
          ? "no operator was started"
          : `the last operator ${operator.isRunning() ? "runs" : "has ended"}:`,
        ...(operator?.output().trimEnd().split("\n").slice(-40) ?? []),
        "its last requests to the API server:",
        ...requests.slice(-25),
        "its last calls to EC2:",
        ...calls.slice(-25)
      ].join("\n")
    },
    /** An instance, and the Node that a kubelet registers for it. */
    launchNode: Effect.fnUntraced(function* (
      name: string,
      o: NodeOptions & { readonly isPublic?: boolean } = {}
    ) {
      const launched = yield* cloud.launch({ isPublic: o.isPublic ?? true })
      yield* kubectl.apply(node(name, { ...o, providerID: launched.providerID }))
      return launched
    }),
    worlds,
    /** Waits until EC2 was read that many times more. */
    rest: Effect.fnUntraced(function* (operator: OperatorProcess.OperatorProcess, sweeps: number) {
      const metric = "kubestatic_last_sweep_timestamp_seconds"
      for (let n = 0; n < sweeps; n++) {
        const last = yield* operator.metric(metric)
        yield* eventually(
          "EC2 is read again",
          Effect.map(operator.metric(metric), (now) => (now > last ? there(now) : missing(`last at ${now}`)))
        )
      }
    }),
    /** Waits until both worlds are as the objects ask. */
    matches: (what: string, patience?: Patience) =>
      settled(what, Effect.map(worlds, Truth.differences), patience)
  }
})

export class World extends Context.Service<World, Effect.Success<typeof make>>()("test/e2e/World") {
  static readonly layer = Layer.effect(World, make)
}
