/**
 * The command line and the environment against the contract of the flags: spellings, defaults, refusals.
 */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Result, Runtime, Schema } from "effect"
import { type Environment, variableOf } from "../src/cli/Flag.ts"
import { flags, type Options, parse } from "../src/Options.ts"

const options = (argv: ReadonlyArray<string>, env: Environment = {}): Options => {
  const parsed = parse(argv, env)
  if (Result.isFailure(parsed)) throw new Error(`refused: ${parsed.failure.message}`)
  return parsed.success
}

const refusal = (argv: ReadonlyArray<string>, env: Environment = {}): string => {
  const parsed = parse(argv, env)
  if (Result.isSuccess(parsed)) throw new Error("accepted")
  return parsed.failure.message
}

interface Row {
  readonly name: string
  readonly text: string
  readonly meaning: unknown
  readonly wrong: string | undefined
  readonly otherwise: unknown
}

/** One good text, what it means, one text that is refused, and the default: for every flag there is. */
const rows = {
  cloudProvider: {
    name: "cloud-provider",
    text: "simulated",
    meaning: "simulated",
    wrong: "gcp",
    otherwise: "aws"
  },
  metricsBindAddress: {
    name: "metrics-bind-address",
    text: "127.0.0.1:9090",
    meaning: { host: "127.0.0.1", port: 9090 },
    wrong: "8080",
    otherwise: { host: undefined, port: 8080 }
  },
  metricsSecure: { name: "metrics-secure", text: "true", meaning: true, wrong: "yes", otherwise: false },
  metricsCertDir: {
    name: "metrics-cert-dir",
    text: "/certs",
    meaning: "/certs",
    wrong: undefined,
    otherwise: undefined
  },
  healthProbeBindAddress: {
    name: "health-probe-bind-address",
    text: "[::1]:9091",
    meaning: { host: "::1", port: 9091 },
    wrong: ":99999",
    otherwise: { host: undefined, port: 8081 }
  },
  leaderElect: { name: "leader-elect", text: "TRUE", meaning: true, wrong: "on", otherwise: false },
  leaderElectionNamespace: {
    name: "leader-election-namespace",
    text: "kube-system",
    meaning: "kube-system",
    wrong: "Not_A_Namespace",
    otherwise: undefined
  },
  kubeconfig: {
    name: "kubeconfig",
    text: "/home/me/config",
    meaning: "/home/me/config",
    wrong: undefined,
    otherwise: undefined
  },
  preventEIPDeallocation: {
    name: "prevent-eip-deallocation",
    text: "t",
    meaning: true,
    wrong: "2",
    otherwise: false
  },
  nodeMinReconciliationInterval: {
    name: "node-min-reconciliation-interval",
    text: "1m30s",
    meaning: Duration.seconds(90),
    wrong: "10",
    otherwise: Duration.seconds(10)
  },
  nodeReconciliationRequeueInterval: {
    name: "node-reconciliation-requeue-interval",
    text: "30s",
    meaning: Duration.seconds(30),
    wrong: "soon",
    otherwise: Duration.minutes(1)
  },
  driftInterval: {
    name: "drift-interval",
    text: "1h",
    meaning: Duration.hours(1),
    wrong: "-1h",
    otherwise: Duration.minutes(5)
  },
  clusterId: {
    name: "cluster-id",
    text: "prod-1.eu_west",
    meaning: "prod-1.eu_west",
    wrong: "a b",
    otherwise: undefined
  },
  adoptClusterIds: {
    name: "adopt-cluster-id",
    text: "unset",
    meaning: ["unset"],
    wrong: "a/b",
    otherwise: []
  },
  vpcId: {
    name: "vpc-id",
    text: "vpc-0123456789abcdef0",
    meaning: "vpc-0123456789abcdef0",
    wrong: "vpc-xyz",
    otherwise: undefined
  },
  interfaceSelection: {
    name: "interface-selection",
    text: "primary",
    meaning: "primary",
    wrong: "secondary",
    otherwise: "public"
  },
  ec2RateShare: { name: "ec2-rate-share", text: "0.25", meaning: 0.25, wrong: "1.5", otherwise: 1 },
  extraTags: {
    name: "extra-tags",
    text: "team=edge,stage=prod",
    meaning: { team: "edge", stage: "prod" },
    wrong: "team",
    otherwise: {}
  },
  dryRun: { name: "dry-run", text: "1", meaning: true, wrong: "maybe", otherwise: false },
  logLevel: { name: "log-level", text: "warn", meaning: "warn", wrong: "loud", otherwise: "info" },
  logFormat: { name: "log-format", text: "text", meaning: "text", wrong: "xml", otherwise: "json" }
} satisfies Record<keyof typeof flags, Row>

const keys = Object.keys(rows) as ReadonlyArray<keyof typeof rows>

describe("Options", () => {
  for (const key of keys) {
    const row: Row = rows[key]
    const read = (parsed: Options): unknown => parsed[key]

    it(`--${row.name} means the same in every spelling and in its variable`, () => {
      assert.strictEqual(flags[key].name, row.name)
      for (const argv of [
        [`--${row.name}=${row.text}`],
        [`-${row.name}=${row.text}`],
        [`--${row.name}`, row.text],
        [`-${row.name}`, row.text]
      ]) {
        assert.deepStrictEqual(read(options(argv)), row.meaning, argv.join(" "))
        assert.deepStrictEqual(read(options([...argv, "--"])), row.meaning, `${argv.join(" ")} --`)
      }
      assert.deepStrictEqual(read(options([], { [variableOf(row.name)]: row.text })), row.meaning)
    })

    it(`--${row.name} has its default when it is not given, and when it is given as nothing`, () => {
      assert.deepStrictEqual(read(options([])), row.otherwise)
      if (key !== "clusterId") {
        assert.deepStrictEqual(read(options([`--${row.name}=`])), row.otherwise)
        if (!flags[key].isSwitch) {
          assert.deepStrictEqual(read(options([`--${row.name}`, ""])), row.otherwise)
        }
        assert.deepStrictEqual(read(options([], { [variableOf(row.name)]: "" })), row.otherwise)
      }
    })

    if (row.wrong !== undefined) {
      const wrong = row.wrong
      it(`--${row.name} refuses ${wrong} in one line that names it and what it takes`, () => {
        for (const argv of [[`--${row.name}=${wrong}`], [`-${row.name}=${wrong}`]]) {
          assert.include(refusal(argv), `--${row.name} takes ${flags[key].takes}, not "${wrong}"`)
        }
        const variable = variableOf(row.name)
        assert.include(
          refusal([], { [variable]: wrong }),
          `${variable} (--${row.name}) takes ${flags[key].takes}, not "${wrong}"`
        )
      })
    }

    if (!flags[key].isSwitch) {
      it(`--${row.name} without a value is refused, also before another flag`, () => {
        for (const argv of [[`--${row.name}`], [`--${row.name}`, "--leader-elect"]]) {
          assert.strictEqual(refusal(argv), `--${row.name} takes ${flags[key].takes}, and nothing was given`)
        }
      })
    }
  }

  it("the last of two wins, and a flag beats its variable", () => {
    assert.strictEqual(options(["--log-level=debug", "-log-level", "error"]).logLevel, "error")
    assert.strictEqual(options(["--log-level=loud", "--log-level=error"]).logLevel, "error")
    assert.strictEqual(options(["--log-level=debug", "--log-level="]).logLevel, "info")
    assert.strictEqual(options(["--log-level=debug"], { KUBESTATIC_LOG_LEVEL: "error" }).logLevel, "debug")
    assert.isFalse(options(["--leader-elect=false"], { KUBESTATIC_LEADER_ELECT: "true" }).leaderElect)
    assert.deepStrictEqual(
      options(["--adopt-cluster-id=a"], { KUBESTATIC_ADOPT_CLUSTER_ID: "b" }).adoptClusterIds,
      ["a"]
    )
  })

  it("a flag given as nothing leaves the word to its variable", () => {
    assert.strictEqual(options(["--log-level="], { KUBESTATIC_LOG_LEVEL: "error" }).logLevel, "error")
  })

  it("booleans take every word that Go takes, and no other", () => {
    for (const word of ["1", "t", "T", "TRUE", "true", "True"]) {
      assert.isTrue(options([`--dry-run=${word}`]).dryRun, word)
      assert.isTrue(options([], { KUBESTATIC_DRY_RUN: word }).dryRun, word)
    }
    for (const word of ["0", "f", "F", "FALSE", "false", "False"]) {
      assert.isFalse(options(["--dry-run", `--dry-run=${word}`]).dryRun, word)
      assert.isFalse(options(["--dry-run", word]).dryRun, word)
    }
    for (const word of ["tRue", "yes", "on", "01", " true"]) refusal([`--dry-run=${word}`])
  })

  it("a boolean stands alone, and leaves the flag after it alone", () => {
    const read = options(["-leader-elect", "--dry-run", "--log-level", "debug"])
    assert.isTrue(read.leaderElect)
    assert.isTrue(read.dryRun)
    assert.strictEqual(read.logLevel, "debug")
  })

  it("adopt-cluster-id counts every time it is given", () => {
    assert.deepStrictEqual(
      options(["--adopt-cluster-id=unset", "-adopt-cluster-id", "old", "--adopt-cluster-id="])
        .adoptClusterIds,
      ["unset", "old"]
    )
    assert.deepStrictEqual(options([], { KUBESTATIC_ADOPT_CLUSTER_ID: "unset,old" }).adoptClusterIds, [
      "unset",
      "old"
    ])
    assert.include(refusal(["--adopt-cluster-id=ok", "--adopt-cluster-id=a/b"]), "--adopt-cluster-id takes")
  })

  it("cluster-id refuses unset and nothing, with the way out", () => {
    for (const given of [
      refusal(["--cluster-id=unset"]),
      refusal(["--cluster-id="]),
      refusal(["--cluster-id", ""]),
      refusal([], { KUBESTATIC_CLUSTER_ID: "unset" }),
      refusal([], { KUBESTATIC_CLUSTER_ID: "" })
    ]) {
      assert.include(given, "--cluster-id")
      assert.include(given, "--adopt-cluster-id=unset")
    }
    assert.strictEqual(options(["--cluster-id=a"], { KUBESTATIC_CLUSTER_ID: "" }).clusterId, "a")
  })

  it("cluster-id takes 1 to 64 characters", () => {
    assert.strictEqual(options([`--cluster-id=${"a".repeat(64)}`]).clusterId, "a".repeat(64))
    refusal([`--cluster-id=${"a".repeat(65)}`])
    refusal(["--cluster-id=a\n"])
  })

  it("extra-tags refuses what is reserved and what EC2 would refuse", () => {
    for (const reserved of [
      "aws:x=1",
      "AWS:x=1",
      "kubestatic.quortex.io/managed=1",
      "kubernetes.io/cluster/a=owned"
    ]) {
      assert.include(refusal([`--extra-tags=ok=1,${reserved}`]), "are reserved", reserved)
    }
    assert.include(refusal(["--extra-tags=Name=mine"]), '"Name"')
    assert.include(refusal(["--extra-tags==v"]), "1 to 128 characters")
    assert.include(refusal([`--extra-tags=k=${"v".repeat(257)}`]), "up to 256")
    assert.include(refusal([`--extra-tags=${"k".repeat(129)}=v`]), "1 to 128 characters")
    const many = (n: number) => Array.from({ length: n }, (_, i) => `k${i}=v`).join(",")
    assert.lengthOf(Object.keys(options([`--extra-tags=${many(45)}`]).extraTags), 45)
    assert.include(refusal([`--extra-tags=${many(46)}`]), "46 tags")
  })

  it("extra-tags keeps values that are empty or hold an equals sign", () => {
    assert.deepStrictEqual(options(["--extra-tags=a=, b=c=d,__proto__=x"]).extraTags, {
      a: "",
      b: "c=d",
      ["__proto__"]: "x"
    })
  })

  it("ec2-rate-share is above 0 and at most 1", () => {
    for (const [text, share] of [
      ["1", 1],
      ["1.0", 1],
      [".5", 0.5],
      ["0.001", 0.001]
    ] as const) {
      assert.strictEqual(options([`--ec2-rate-share=${text}`]).ec2RateShare, share)
    }
    for (const text of ["0", "0.0", "-0.5", "1.01", "NaN", "Infinity", "50%", "."]) {
      refusal([`--ec2-rate-share=${text}`])
    }
  })

  it("addresses are off at 0, and metrics that are off are not secure", () => {
    const off = options(["--metrics-bind-address=0", "--health-probe-bind-address", "0", "--metrics-secure"])
    assert.strictEqual(off.metricsBindAddress, "off")
    assert.strictEqual(off.healthProbeBindAddress, "off")
    assert.isFalse(off.metricsSecure)
  })

  it("metrics are secure by default on port 8443 only", () => {
    assert.isTrue(options(["--metrics-bind-address=:8443"]).metricsSecure)
    assert.isFalse(options(["--metrics-bind-address=:8443", "--metrics-secure=false"]).metricsSecure)
    assert.isTrue(options(["--metrics-secure"]).metricsSecure)
    assert.isFalse(options(["--metrics-bind-address=:18443"]).metricsSecure)
  })

  it("cache-ttl is drift-interval under its old name", () => {
    const twoMinutes = Duration.minutes(2)
    assert.deepStrictEqual(options(["--cache-ttl=2m"]).driftInterval, twoMinutes)
    assert.deepStrictEqual(options(["--drift-interval=9m", "-cache-ttl", "2m"]).driftInterval, twoMinutes)
    assert.deepStrictEqual(options(["--cache-ttl=9m", "--drift-interval=2m"]).driftInterval, twoMinutes)
    assert.deepStrictEqual(options([], { KUBESTATIC_CACHE_TTL: "2m" }).driftInterval, twoMinutes)
    assert.include(refusal(["--cache-ttl=never"]), "--cache-ttl takes a duration")
    assert.deepStrictEqual(options(["--cache-ttl=2m"]).warnings, [])
  })

  it("zap's level and encoder are understood in zap's own words", () => {
    for (const [text, level] of [
      ["debug", "debug"],
      ["INFO", "info"],
      ["error", "error"],
      ["panic", "panic"],
      ["1", "debug"],
      ["10", "debug"]
    ] as const) {
      assert.strictEqual(options([`--zap-log-level=${text}`]).logLevel, level)
    }
    refusal(["--zap-log-level=0"])
    assert.strictEqual(options(["--zap-encoder=console"]).logFormat, "text")
    assert.strictEqual(options(["-zap-encoder", "json"]).logFormat, "json")
    assert.deepStrictEqual(options(["--zap-encoder=console", "--zap-log-level=1"]).warnings, [])
  })

  it("flags that mean nothing any more are accepted with one warning each", () => {
    const read = options([
      "--zap-devel",
      "--zap-stacktrace-level",
      "error",
      "--zap-time-encoding=rfc3339",
      "--enable-http2=false",
      "-enable-http2",
      "true",
      "--cache-cleanup-interval",
      "10m",
      "--zap-devel=false",
      "--log-level=debug"
    ])
    assert.deepStrictEqual(
      read.warnings,
      [
        "zap-devel",
        "zap-stacktrace-level",
        "zap-time-encoding",
        "enable-http2",
        "cache-cleanup-interval"
      ].map((name) => `--${name} is accepted and does nothing`)
    )
    assert.strictEqual(read.logLevel, "debug")
  })

  it("an interval without a pause is raised to a second, with a warning", () => {
    const read = options(["--drift-interval=0", "--node-reconciliation-requeue-interval=1ms"])
    assert.deepStrictEqual(read.driftInterval, Duration.seconds(1))
    assert.deepStrictEqual(read.nodeReconciliationRequeueInterval, Duration.seconds(1))
    assert.deepStrictEqual(read.warnings, [
      "--node-reconciliation-requeue-interval is raised to 1s, the shortest",
      "--drift-interval is raised to 1s, the shortest"
    ])
    const none = options(["--node-min-reconciliation-interval=0"])
    assert.deepStrictEqual(none.nodeMinReconciliationInterval, Duration.zero)
    assert.deepStrictEqual(none.warnings, [])
  })

  it("a folder of certificates that nothing uses is said", () => {
    assert.deepStrictEqual(options(["--metrics-cert-dir=/c"]).warnings, [
      "--metrics-cert-dir does nothing without --metrics-secure"
    ])
    assert.deepStrictEqual(options(["--metrics-cert-dir=/c", "--metrics-secure"]).warnings, [])
  })

  it("an unknown flag is refused, with the name that was meant", () => {
    assert.include(refusal(["--leader-elct"]), 'unknown flag "--leader-elct", did you mean --leader-elect?')
    assert.include(refusal(["-zzz=1"]), 'unknown flag "--zzz" (see kubestatic --help)')
    assert.include(refusal(["--Log-Level=debug"]), "unknown flag")
  })

  it("words that are no flags are refused", () => {
    for (const argv of [["now"], ["--", "--dry-run"], ["-"], ["--dry-run", "now"], [""]]) {
      assert.include(refusal(argv), "unexpected argument", argv.join(" "))
    }
    for (const argv of [["---dry-run"], ["--=1"], ["-=1"]]) {
      assert.include(refusal(argv), "is no flag", argv.join(" "))
    }
  })

  it("variables that are not ours to read change nothing", () => {
    const injected = {
      KUBESTATIC_PORT: "tcp://10.0.0.1:8080",
      KUBESTATIC_PORT_8080_TCP: "tcp://10.0.0.1:8080",
      KUBESTATIC_PORT_8080_TCP_PROTO: "tcp",
      KUBESTATIC_SERVICE_HOST: "10.0.0.1",
      KUBESTATIC_SERVICE_PORT: "8080",
      KUBESTATIC_SERVICE_PORT_METRICS: "8080",
      KUBESTATIC_METRICS_SERVICE_PORT: "8080",
      KUBESTATIC_ENABLE_HTTP2: "perhaps",
      LOG_LEVEL: "loud",
      kubestatic_log_level: "loud"
    }
    assert.deepStrictEqual(options([], injected), options([]))
  })

  it("wrong usage ends the process with code 2", () => {
    const parsed = parse(["--nope"], {})
    assert.isTrue(Result.isFailure(parsed) && Runtime.getErrorExitCode(parsed.failure) === 2)
  })

  it.prop(
    "whatever is given, the answer is options or exactly one line",
    [Schema.Array(Schema.String)],
    ([words]) => {
      const spelled = words.flatMap((word, i) => {
        const name = flags[keys[i % keys.length] ?? "dryRun"].name
        return [[word], [`--${name}=${word}`], [`--${name}`, word], [`-${word}`]][word.length % 4] ?? []
      })
      const parsed = parse(spelled, { KUBESTATIC_LOG_LEVEL: words.at(-1) })
      return Result.isSuccess(parsed) || /^[^\n\r\u2028\u2029]+$/.test(parsed.failure.message)
    }
  )
})
