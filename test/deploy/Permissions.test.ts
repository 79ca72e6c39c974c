/**
 * The roles in deploy/manifests (rendered from the chart), held against the calls that the operator is promised to
 * make: those and no more.
 */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { parseAllDocuments } from "yaml"
import { group, leaseName } from "../../src/domain/Names.ts"

interface Rule {
  readonly apiGroups?: ReadonlyArray<string>
  readonly resources?: ReadonlyArray<string>
  readonly resourceNames?: ReadonlyArray<string>
  readonly nonResourceURLs?: ReadonlyArray<string>
  readonly verbs: ReadonlyArray<string>
}
interface Rbac {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly rules?: ReadonlyArray<Rule>
  readonly roleRef?: { readonly kind: string; readonly name: string }
  readonly subjects?: ReadonlyArray<unknown>
}

const read = (path: string): ReadonlyArray<Rbac> =>
  parseAllDocuments(readFileSync(new URL(`../../deploy/manifests/${path}`, import.meta.url), "utf8")).map(
    (document) => document.toJS() as Rbac
  )
const objects = read("rbac.yaml")

/** `scope verb group/resource name`, one for each verb on each resource. */
const grants = (role: Rbac): ReadonlyArray<string> =>
  (role.rules ?? []).flatMap((rule) =>
    (rule.resources ?? []).flatMap((resource) =>
      (rule.apiGroups ?? []).flatMap((apiGroup) =>
        rule.verbs.flatMap((verb) =>
          (rule.resourceNames ?? ["*"]).map(
            (name) => `${role.metadata.namespace ?? "cluster"}: ${verb} ${apiGroup}/${resource} ${name}`
          )
        )
      )
    )
  )

const every = (scope: string, what: string, verbs: string, name = "*"): ReadonlyArray<string> =>
  verbs.split(" ").map((verb) => `${scope}: ${verb} ${what} ${name}`)

const promised = [
  ...every("cluster", "/nodes", "get list watch patch"),
  ...every("cluster", "/pods", "list watch"),
  ...every("cluster", `${group}/externalips`, "get list watch create patch"),
  ...every("cluster", `${group}/firewallrules`, "get list watch patch"),
  ...every("cluster", `${group}/externalips/status`, "patch"),
  ...every("cluster", `${group}/firewallrules/status`, "patch"),
  ...every("cluster", "/namespaces", "get", "kube-system"),
  ...every("kubestatic", "coordination.k8s.io/leases", "create"),
  ...every("kubestatic", "coordination.k8s.io/leases", "get watch update", leaseName),
  ...every("default", "events.k8s.io/events", "create patch"),
  ...every("cluster", "authentication.k8s.io/tokenreviews", "create"),
  ...every("cluster", "authorization.k8s.io/subjectaccessreviews", "create")
]

const account = { kind: "ServiceAccount", name: "kubestatic-controller-manager", namespace: "kubestatic" }

const boundTo = (subject: unknown): ReadonlyArray<Rbac> =>
  objects
    .filter((o) => o.subjects?.some((s) => JSON.stringify(s) === JSON.stringify(subject)))
    .flatMap((binding) =>
      objects.filter(
        (role) =>
          role.kind === binding.roleRef?.kind &&
          role.metadata.name === binding.roleRef.name &&
          role.metadata.namespace === binding.metadata.namespace
      )
    )

describe("the operator's service account", () => {
  it("holds exactly the permissions that are promised", () => {
    assert.deepStrictEqual([...boundTo(account).flatMap(grants)].sort(), [...promised].sort())
  })

  it("may delete nothing and read no secret", () => {
    const text = JSON.stringify(objects)
    for (const word of ["delete", "secrets", '"*"', "configmaps", "impersonate", "escalate"]) {
      assert.notInclude(text, word)
    }
  })

  it("is the only subject of a binding, and every role but the one for scraping is bound", () => {
    const bindings = objects.filter((o) => o.subjects !== undefined)
    for (const { subjects } of bindings) assert.deepStrictEqual(subjects, [account])
    const bound = new Set(boundTo(account).map((role) => role.metadata.name))
    const roles = objects.filter((o) => o.rules !== undefined).map((role) => role.metadata.name)
    assert.deepStrictEqual(
      roles.filter((name) => !bound.has(name)),
      ["kubestatic-metrics-reader"]
    )
    const reader = objects.find((o) => o.metadata.name === "kubestatic-metrics-reader")
    assert.deepStrictEqual(reader?.rules, [{ nonResourceURLs: ["/metrics"], verbs: ["get"] }])
  })

  it("has a token only where a pod asks for one", () => {
    const [found] = read("service-account.yaml") as ReadonlyArray<unknown> as ReadonlyArray<{
      readonly metadata: { readonly name: string }
      readonly automountServiceAccountToken: boolean
    }>
    assert.strictEqual(found?.metadata.name, account.name)
    assert.isFalse(found?.automountServiceAccountToken)
  })
})
