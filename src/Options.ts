/**
 * Every flag and environment variable of the operator, decoded once.
 * Rule: a flag is a line of this table; what it means, its variable, its help and its type follow from it.
 */
import { Duration, Result } from "effect"
import * as Argv from "./cli/Argv.ts"
import { type Decoded, decodeTable, type Environment, optional, repeatable, withDefault } from "./cli/Flag.ts"
import type { OptionsError } from "./cli/OptionsError.ts"
import * as Value from "./cli/Value.ts"

const provider = "Provider"
const behaviour = "Behaviour"
const ownership = "Ownership"
const leadership = "Leadership and cluster"
const endpoints = "Endpoints"
const logging = "Logging"

/** Flags that mean the same to the operator and to a simulation of it. */
export const sharedFlags = {
  preventEIPDeallocation: withDefault("prevent-eip-deallocation", Value.boolean, "false", {
    section: behaviour,
    help: "Keep the Elastic IPs of auto-assigned ExternalIPs allocated when the objects are deleted."
  }),
  nodeMinReconciliationInterval: withDefault("node-min-reconciliation-interval", Value.duration, "10s", {
    section: behaviour,
    help: "The shortest time between two claims of an address for one node."
  }),
  nodeReconciliationRequeueInterval: withDefault(
    "node-reconciliation-requeue-interval",
    Value.duration,
    "1m",
    { section: behaviour, help: "How often a node is looked at when nothing about it changes." }
  ),
  driftInterval: withDefault("drift-interval", Value.duration, "5m", {
    section: behaviour,
    aliases: ["cache-ttl"],
    help: "How often EC2 is read back, to repair what others changed there."
  }),
  interfaceSelection: withDefault("interface-selection", Value.oneOf(["public", "primary"]), "public", {
    section: behaviour,
    help: "The network interface of a node: the first with a public IP, or the primary one."
  }),
  ec2RateShare: withDefault("ec2-rate-share", Value.share, "1.0", {
    section: behaviour,
    help: "The share of the account's EC2 request buckets that may be used."
  }),
  clusterId: optional("cluster-id", Value.clusterId, {
    section: ownership,
    otherwise: "the UID of the kube-system namespace",
    help: "Marks what this cluster owns in EC2. It must differ between clusters that share an account."
  }),
  logLevel: withDefault("log-level", Value.logLevel, "info", {
    section: logging,
    aliases: ["zap-log-level"],
    help: "The least severe entries that are logged."
  })
}

/** In the order in which --help shows them. */
export const flags = {
  cloudProvider: withDefault("cloud-provider", Value.oneOf(["aws", "simulated"]), "aws", {
    section: provider,
    help: "simulated is an EC2 in memory, for trying the operator on a real cluster."
  }),
  vpcId: optional("vpc-id", Value.vpcId, {
    section: provider,
    otherwise: "any VPC",
    help: "Nodes of other VPCs are refused."
  }),
  clusterId: sharedFlags.clusterId,
  adoptClusterIds: repeatable("adopt-cluster-id", Value.adoptedClusterId, {
    section: ownership,
    help: "Take over resources tagged with this other cluster id. Repeatable; unset is the Go default."
  }),
  extraTags: withDefault("extra-tags", Value.tags, "", {
    section: ownership,
    help: "Tags put on every Elastic IP and security group that is made."
  }),
  preventEIPDeallocation: sharedFlags.preventEIPDeallocation,
  nodeMinReconciliationInterval: sharedFlags.nodeMinReconciliationInterval,
  nodeReconciliationRequeueInterval: sharedFlags.nodeReconciliationRequeueInterval,
  driftInterval: sharedFlags.driftInterval,
  interfaceSelection: sharedFlags.interfaceSelection,
  ec2RateShare: sharedFlags.ec2RateShare,
  dryRun: withDefault("dry-run", Value.boolean, "false", {
    section: behaviour,
    help: "Decide and log; write nothing to EC2 or Kubernetes, the lease excepted."
  }),
  leaderElect: withDefault("leader-elect", Value.boolean, "false", {
    section: leadership,
    help: "Run beside others of its kind; only the holder of the lease writes."
  }),
  leaderElectionNamespace: optional("leader-election-namespace", Value.namespace, {
    section: leadership,
    otherwise: "the namespace it runs in, else the one of the kubeconfig's context",
    help: "Where the lease is kept."
  }),
  kubeconfig: optional("kubeconfig", Value.path("a path to a kubeconfig file"), {
    section: leadership,
    otherwise: "in-cluster, else $KUBECONFIG, else ~/.kube/config",
    help: "How the cluster is reached."
  }),
  metricsBindAddress: withDefault("metrics-bind-address", Value.bindAddress, ":8080", {
    section: endpoints,
    help: "Where /metrics is served; 0 turns it off."
  }),
  metricsSecure: optional("metrics-secure", Value.boolean, {
    section: endpoints,
    otherwise: "true on port 8443, else false",
    help: "Serve /metrics by HTTPS, to clients that may get the nonResourceURL /metrics."
  }),
  metricsCertDir: optional("metrics-cert-dir", Value.path("a path to a folder with tls.crt and tls.key"), {
    section: endpoints,
    otherwise: "a self-signed certificate",
    help: "The certificate of secure metrics; read again when it changes."
  }),
  healthProbeBindAddress: withDefault("health-probe-bind-address", Value.bindAddress, ":8081", {
    section: endpoints,
    help: "Where /healthz and /readyz are served; 0 turns them off."
  }),
  logLevel: sharedFlags.logLevel,
  logFormat: withDefault("log-format", Value.logFormat, "json", {
    section: logging,
    aliases: ["zap-encoder"],
    help: "One JSON object a line, or text for people."
  })
}

export interface Options extends Omit<Decoded<typeof flags>, "metricsSecure"> {
  readonly metricsSecure: boolean
  /** One line each, to be logged once at the start. */
  readonly warnings: ReadonlyArray<string>
}

/** Flags of the Go implementation that no longer mean anything. */
const ignored: Argv.Ignored = {
  has: (name) => name.startsWith("zap-") || name === "enable-http2" || name === "cache-cleanup-interval",
  isSwitch: (name) => name === "zap-devel" || name === "enable-http2"
}

const securePort = 8443

/** `argv` holds the flags alone, without program and command. Pure: the same words, the same options. */
export const parse = (argv: ReadonlyArray<string>, env: Environment): Result.Result<Options, OptionsError> =>
  Result.flatMap(Argv.read(argv, flags, ignored, "kubestatic"), (reading) =>
    Result.map(decodeTable(flags, reading.given, env), (decoded) => {
      const raised = raiseIntervals(decoded)
      const bind = decoded.metricsBindAddress
      const metricsSecure = bind !== "off" && (decoded.metricsSecure ?? bind.port === securePort)
      return {
        ...decoded,
        ...raised.intervals,
        metricsSecure,
        warnings: [
          ...reading.ignored.map((name) => `--${name} is accepted and does nothing`),
          ...raised.warnings,
          ...(decoded.metricsCertDir !== undefined && !metricsSecure
            ? ["--metrics-cert-dir does nothing without --metrics-secure"]
            : [])
        ]
      }
    })
  )

const shortest = Duration.seconds(1)

interface Intervals {
  readonly nodeReconciliationRequeueInterval: Duration.Duration
  readonly driftInterval: Duration.Duration
}

/** An interval of nothing, which Go allows, would be a loop that never rests: it is raised, and said. */
export const raiseIntervals = (
  decoded: Intervals
): { readonly intervals: Intervals; readonly warnings: ReadonlyArray<string> } => {
  const tooShort = (["nodeReconciliationRequeueInterval", "driftInterval"] as const).filter((key) =>
    Duration.isLessThan(decoded[key], shortest)
  )
  return {
    intervals: {
      nodeReconciliationRequeueInterval: Duration.max(decoded.nodeReconciliationRequeueInterval, shortest),
      driftInterval: Duration.max(decoded.driftInterval, shortest)
    },
    warnings: tooShort.map((key) => `--${sharedFlags[key].name} is raised to 1s, the shortest`)
  }
}
