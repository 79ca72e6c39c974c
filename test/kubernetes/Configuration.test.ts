/** Where the configuration comes from, and how credentials stay fresh. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Configuration from "../../src/kubernetes/Configuration.ts"

const surroundings = (o: Partial<Configuration.Surroundings> = {}): Configuration.Surroundings => ({
  kubeconfig: undefined,
  variables: {},
  home: "/home/me",
  serviceAccountDirectory: "/sa",
  exists: () => true,
  ...o
})
const inPod = { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "443" }
const has =
  (...paths: ReadonlyArray<string>) =>
  (path: string) =>
    paths.includes(path)
const none = (message: string) => ({ _tag: "None", message }) as const
const files = (...paths: ReadonlyArray<string>) => ({ _tag: "Files", files: paths }) as const

describe("the choice", () => {
  it.each<readonly [string, Partial<Configuration.Surroundings>, Configuration.Choice]>([
    [
      "--kubeconfig before all else",
      { kubeconfig: "/f", variables: { ...inPod, KUBECONFIG: "/g" } },
      files("/f")
    ],
    [
      "the service account in a pod",
      { variables: { ...inPod, KUBECONFIG: "/g" } },
      { _tag: "InCluster", location: { host: "10.0.0.1", port: "443", directory: "/sa" } }
    ],
    [
      "KUBECONFIG where no service account is mounted",
      { variables: { ...inPod, KUBECONFIG: "/g" }, exists: has("/g") },
      files("/g")
    ],
    [
      "the files of KUBECONFIG that exist",
      { variables: { KUBECONFIG: "/a::/b:/c" }, exists: has("/a", "/c") },
      files("/a", "/c")
    ],
    ["~/.kube/config at last", { kubeconfig: "" }, files("/home/me/.kube/config")],
    [
      "an error for a flag without its file",
      { kubeconfig: "/f", exists: () => false },
      none("--kubeconfig: /f does not exist")
    ],
    [
      "an error for a variable without its file",
      { variables: { KUBECONFIG: "/g" }, exists: () => false },
      none("KUBECONFIG: /g does not exist")
    ],
    [
      "an error where there is nothing",
      { exists: () => false },
      none(
        "no Kubernetes configuration: not in a pod, no --kubeconfig, no KUBECONFIG, no /home/me/.kube/config"
      )
    ]
  ])("is %s", (_, given, choice) => {
    assert.deepStrictEqual(Configuration.choose(surroundings(given)), choice)
  })
})

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "kubestatic-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

describe("in a pod", () => {
  const setUp = Effect.gen(function* () {
    const directory = yield* folder
    const write = (name: string, text: string) => writeFileSync(join(directory, name), text)
    write("token", "one\n")
    write("ca.crt", "CA")
    write("namespace", "kube-system\n")
    const open = Configuration.access(
      surroundings({
        variables: { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "6443" },
        serviceAccountDirectory: directory
      })
    )
    return { write, open, remove: (name: string) => rmSync(join(directory, name)) }
  })

  it.effect("the address, namespace, token and CA are those of the service account", () =>
    Effect.gen(function* () {
      const access = yield* (yield* setUp).open
      assert.strictEqual(access.server.href, "https://[fd00::1]:6443/")
      assert.strictEqual(access.namespace, "kube-system")
      assert.deepStrictEqual(yield* access.credentials, {
        headers: { authorization: "Bearer one" },
        tls: { ca: "CA" }
      })
    })
  )

  it.effect("a rotated token is used within a minute", () =>
    Effect.gen(function* () {
      const { open, write } = yield* setUp
      const access = yield* open
      write("token", "two")
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual((yield* access.credentials).headers.authorization, "Bearer one")
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* access.credentials).headers.authorization, "Bearer two")
    })
  )

  it.effect("a refused token is read again at once, and once for all who were refused", () =>
    Effect.gen(function* () {
      const { open, write } = yield* setUp
      const access = yield* open
      const refused = yield* access.credentials
      write("token", "two")
      const renewed = yield* access.renewed(refused)
      assert.strictEqual(renewed.headers.authorization, "Bearer two")
      write("token", "three")
      assert.strictEqual(yield* access.renewed(refused), renewed)
      assert.strictEqual(yield* access.credentials, renewed)
    })
  )

  it.effect("a token that cannot be read leaves the old one in use, until it can", () =>
    Effect.gen(function* () {
      const { open, remove, write } = yield* setUp
      const access = yield* open
      remove("token")
      yield* TestClock.adjust("2 minutes")
      const kept = yield* access.credentials
      assert.strictEqual(kept.headers.authorization, "Bearer one")
      assert.include((yield* Effect.flip(access.renewed(kept))).message, "ENOENT")
      write("token", "two")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* access.credentials).headers.authorization, "Bearer two")
    })
  )

  it.effect("without a token there is no configuration", () =>
    Effect.gen(function* () {
      const { open, remove } = yield* setUp
      remove("token")
      const error = yield* Effect.flip(open)
      assert.strictEqual(error._tag, "ConfigurationError")
      assert.match(error.message, /^the service account cannot be used: ENOENT.*token'$/)
    })
  )

  it.effect("without a namespace there is none", () =>
    Effect.gen(function* () {
      const { open, remove } = yield* setUp
      remove("namespace")
      assert.isUndefined((yield* open).namespace)
    })
  )
})

describe("a kubeconfig", () => {
  const yaml = (user: string, o: { readonly context?: string; readonly cluster?: string } = {}) => `
apiVersion: v1
kind: Config
current-context: ${o.context ?? "here"}
clusters:
- name: c
  cluster: { server: "https://api.example.com/k8s/", certificate-authority: ca.crt }
contexts:
- name: here
  context: { cluster: ${o.cluster ?? "c"}, user: u, namespace: mine }
users:
- name: u
  user: ${user}
`
  const write = Effect.fnUntraced(function* (text: string) {
    const directory = yield* folder
    mkdirSync(join(directory, ".kube"))
    const file = join(directory, ".kube", "config")
    writeFileSync(join(directory, ".kube", "ca.crt"), "CA")
    writeFileSync(file, text)
    return { directory, file, open: Configuration.access(surroundings({ home: directory })) }
  })

  it.effect("gives address, namespace, token and CA; relative paths start at the file", () =>
    Effect.gen(function* () {
      const { open } = yield* write(yaml("{ token: secret }"))
      const access = yield* open
      assert.strictEqual(access.server.href, "https://api.example.com/k8s")
      assert.strictEqual(access.namespace, "mine")
      const credentials = yield* access.credentials
      assert.deepStrictEqual(credentials.headers, { authorization: "Bearer secret" })
      assert.strictEqual(String(credentials.tls.ca), "CA")
    })
  )

  it.effect("gives a client certificate, a user name, an impersonation", () =>
    Effect.gen(function* () {
      const { open } = yield* write(
        yaml(
          "{ client-certificate-data: Q0VSVA==, client-key-data: S0VZ, username: me, password: pw, as: you }"
        )
      )
      const { headers, tls } = yield* (yield* open).credentials
      assert.deepStrictEqual([String(tls.cert), String(tls.key)], ["CERT", "KEY"])
      assert.deepStrictEqual(headers, { "impersonate-user": "you", authorization: "Basic bWU6cHc=" })
    })
  )

  it.effect("gives what a plugin says, and asks it again when that is refused", () =>
    Effect.gen(function* () {
      const { directory, open } = yield* write(yaml("{ exec: { command: cat, args: [CREDENTIAL] } }"))
      const credential = join(directory, "credential.json")
      const say = (token: string) =>
        writeFileSync(
          credential,
          JSON.stringify({
            apiVersion: "client.authentication.k8s.io/v1",
            kind: "ExecCredential",
            status: { token }
          })
        )
      const file = join(directory, ".kube", "config")
      writeFileSync(file, yaml(`{ exec: { command: cat, args: ["${credential}"] } }`))
      say("one")
      const access = yield* open
      const first = yield* access.credentials
      assert.strictEqual(first.headers.authorization, "Bearer one")
      say("two")
      assert.strictEqual((yield* access.renewed(first)).headers.authorization, "Bearer two")
    })
  )

  it.effect("gives whom its user acts as: uid, groups, extra", () =>
    Effect.gen(function* () {
      const { open } = yield* write(
        yaml(`{ token: secret, as: you, as-uid: "7", as-groups: [a, "b,c"], as-user-extra: { k: [v] } }`)
      )
      const { headers } = yield* (yield* open).credentials
      assert.deepStrictEqual(headers, {
        authorization: "Bearer secret",
        "impersonate-user": "you",
        "impersonate-uid": "7",
        "impersonate-group": ["a", "b,c"],
        "impersonate-extra-k": ["v"]
      })
    })
  )

  it.effect("finds a plugin by a relative path beside the file that its user stands in", () =>
    Effect.gen(function* () {
      const { directory, file } = yield* write("apiVersion: v1\nkind: Config\ncurrent-context: here\n")
      const other = join(directory, "other")
      mkdirSync(join(other, "bin"), { recursive: true })
      symlinkSync("/bin/cat", join(other, "bin", "cat"))
      const credential = join(other, "credential.json")
      writeFileSync(credential, JSON.stringify({ status: { token: "one" } }))
      const second = join(other, "config")
      const plugin = `{ exec: { command: ./bin/cat, args: ["${credential}"] } }`
      writeFileSync(second, yaml(plugin).replace("ca.crt", join(directory, ".kube", "ca.crt")))
      const access = yield* Configuration.access(
        surroundings({ variables: { KUBECONFIG: `${file}:${second}` }, exists: (p) => !p.startsWith("/sa") })
      )
      assert.strictEqual((yield* access.credentials).headers.authorization, "Bearer one")
    })
  )

  it.effect("gives what its cluster says of TLS where its context names no user", () =>
    Effect.gen(function* () {
      const { open } = yield* write(
        yaml("{ token: secret }")
          .replace("user: u,", "")
          .replace("server:", "tls-server-name: other, insecure-skip-tls-verify: true, server:")
      )
      const { headers, tls } = yield* (yield* open).credentials
      assert.deepStrictEqual(headers, {})
      assert.deepStrictEqual(
        { ...tls, ca: String(tls.ca) },
        { ca: "CA", servername: "other", rejectUnauthorized: false }
      )
    })
  )

  it.effect(
    "gives the token of a file, before one written beside it, and reads it again within a minute",
    () =>
      Effect.gen(function* () {
        const { directory, open } = yield* write(yaml("{ token: old, tokenFile: token }"))
        writeFileSync(join(directory, ".kube", "token"), "one\n")
        const access = yield* open
        assert.strictEqual((yield* access.credentials).headers.authorization, "Bearer one")
        writeFileSync(join(directory, ".kube", "token"), "two\n")
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* access.credentials).headers.authorization, "Bearer two")
      })
  )

  it.effect("takes its way through the proxy it names", () =>
    Effect.gen(function* () {
      const { open } = yield* write(
        yaml("{ token: secret }").replace(
          "certificate-authority",
          "proxy-url: http://proxy:3128, certificate-authority"
        )
      )
      assert.isDefined((yield* (yield* open).credentials).proxy)
    })
  )

  it.effect("is merged from several files, the first one deciding", () =>
    Effect.gen(function* () {
      const { directory, file } = yield* write("apiVersion: v1\nkind: Config\ncurrent-context: here\n")
      const second = join(directory, ".kube", "second")
      writeFileSync(second, yaml("{ token: secret }", { context: "elsewhere" }))
      const access = yield* Configuration.access(
        surroundings({ variables: { KUBECONFIG: `${file}:${second}` }, exists: (p) => !p.startsWith("/sa") })
      )
      assert.strictEqual((yield* access.credentials).headers.authorization, "Bearer secret")
    })
  )

  it.effect.each([
    { name: "that is no YAML", text: "{", says: /kubeconfig .*config: / },
    { name: "that is empty", text: "", says: /kubeconfig .*config: / },
    { name: "without a current context", text: yaml("{}", { context: "none" }), says: /no current context$/ },
    {
      name: "without the cluster",
      text: yaml("{}", { cluster: "x" }),
      says: /names cluster x, which it lacks$/
    },
    {
      name: "without the user",
      text: yaml("{}").replace("user: u,", "user: x,"),
      says: /names user x, which it lacks$/
    },
    {
      name: "with groups of nobody",
      text: yaml("{ as-groups: [a] }"),
      says: /user u has as-groups without as$/
    },
    {
      name: "with a group that is no list",
      text: yaml("{ as: you, as-groups: a }"),
      says: /Expected array.*\["user"\]\["as-groups"\]$/
    },
    {
      name: "with an extra that is no list",
      text: yaml("{ as: you, as-user-extra: { k: v } }"),
      says: /Expected array.*\["as-user-extra"\]\["k"\]$/
    },
    {
      name: "whose token file is missing",
      text: yaml("{ tokenFile: nowhere }"),
      says: /ENOENT.*nowhere/
    },
    {
      name: "with a plugin that fails",
      text: yaml('{ exec: { command: sh, args: ["-c", "echo no luck >&2; exit 1"] } }'),
      says: /no luck$/
    },
    {
      name: "with a plugin that is missing",
      text: yaml("{ exec: { command: kubestatic-no-such-plugin } }"),
      says: /ENOENT/
    }
  ])("$name is refused in one line that names it", ({ text, says }) =>
    Effect.gen(function* () {
      const { open } = yield* write(text)
      const error = yield* Effect.flip(open)
      assert.strictEqual(error._tag, "ConfigurationError")
      assert.match(error.message, says)
      assert.notInclude(error.message, "\n")
    })
  )
})
