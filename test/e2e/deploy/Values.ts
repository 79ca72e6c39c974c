/**
 * Values that the chart is rendered with: those of the Go implementation's chart as they are, and each of ours with
 * another value than its default.
 * Rule: a value of values.yaml that is not named here fails a test.
 */

/** values.yaml of the Go implementation's chart 0.14, defaults included. */
export const ofGo = {
  cloudProvider: "aws",
  clusterId: "production",
  vpcId: "vpc-0123456789abcdef0",
  preventEIPDeallocation: true,
  nodeMinReconciliationInterval: "10s",
  nodeReconciliationRequeueInterval: "1m",
  aws: { region: "eu-west-1", accessKeyID: "AKIAEXAMPLE", secretAccessKey: "secret" },
  manager: {
    image: {
      repository: "eu.gcr.io/quortex-registry-public/kubestatic",
      tag: "",
      pullPolicy: "IfNotPresent"
    },
    resources: {},
    securityContext: {},
    // A flag and its value, also as two.
    extraArgs: ["--zap-log-level", "debug", "--enable-http2=false"]
  },
  kubeRBACProxy: {
    enabled: true,
    image: { repository: "gcr.io/kubebuilder/kube-rbac-proxy", tag: "v0.8.0", pullPolicy: "IfNotPresent" },
    resources: {}
  },
  replicaCount: 1,
  podSecurityContext: {},
  imagePullSecrets: [],
  nameOverride: "",
  fullnameOverride: "",
  podAnnotations: {},
  nodeSelector: {},
  tolerations: [],
  affinity: {},
  serviceAccount: { annotations: {} },
  serviceMonitor: {
    enabled: false,
    additionalLabels: {},
    annotations: {},
    interval: "",
    scrapeTimeout: "",
    relabelings: []
  },
  networkPolicy: { enabled: false, extraIngress: [], extraEgress: [] }
}

const prometheusPods = {
  namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } },
  podSelector: { matchLabels: { "app.kubernetes.io/name": "prometheus" } }
}

/** One entry for each value: what is set, and words that the rendered text then holds. */
export const others: ReadonlyArray<
  readonly [values: Readonly<Record<string, unknown>>, ...words: Array<string>]
> = [
  [{ cloudProvider: "simulated" }, "--cloud-provider=simulated"],
  [{ clusterId: "production" }, "--cluster-id=production"],
  [{ clusterID: "production" }, "--cluster-id=production"],
  [{ adoptClusterIds: ["unset", "old"] }, "--adopt-cluster-id=unset", "--adopt-cluster-id=old"],
  [{ vpcId: "vpc-0a1b" }, "--vpc-id=vpc-0a1b"],
  [{ interfaceSelection: "primary" }, "--interface-selection=primary"],
  [{ preventEIPDeallocation: true }, "--prevent-eip-deallocation"],
  [{ nodeMinReconciliationInterval: "1m30s" }, "--node-min-reconciliation-interval=1m30s"],
  [{ nodeReconciliationRequeueInterval: "2m" }, "--node-reconciliation-requeue-interval=2m"],
  [{ driftInterval: "10m" }, "--drift-interval=10m"],
  [{ driftInterval: 0 }, "--drift-interval=0"],
  [{ ec2RateShare: 0.25 }, "--ec2-rate-share=0.25"],
  [{ ec2RateShare: 0.0001 }, "--ec2-rate-share=0.0001"],
  // As helm --set passes it on.
  [{ ec2RateShare: "0.5" }, "--ec2-rate-share=0.5"],
  [{ extraTags: { team: "edge", stage: "prod=1" } }, '"--extra-tags=stage=prod=1,team=edge"'],
  [{ dryRun: true }, "--dry-run"],
  [{ logLevel: "debug" }, "--log-level=debug"],
  [{ logFormat: "text" }, "--log-format=text"],
  [{ aws: { region: "eu-west-1" } }, "AWS_REGION", "eu-west-1"],
  [{ aws: { accessKeyID: "id", secretAccessKey: "key" } }, "kind: Secret", "AWS_SECRET_ACCESS_KEY"],
  [{ aws: { existingSecret: "mine" } }, 'name: "mine"', "key: accessKeyId", "key: secretAccessKey"],
  [
    { aws: { roleArn: "arn:aws:iam::123456789012:role/kubestatic" } },
    "eks.amazonaws.com/role-arn: arn:aws:iam::123456789012:role/kubestatic"
  ],
  [
    { aws: { roleArn: "arn:aws:iam::123456789012:role/kubestatic", projectToken: true } },
    "audience: sts.amazonaws.com",
    "AWS_WEB_IDENTITY_TOKEN_FILE"
  ],
  [
    { manager: { image: { repository: "example.test/kubestatic", tag: "v1" } } },
    "example.test/kubestatic:v1"
  ],
  [{ manager: { image: { digest: `sha256:${"0".repeat(64)}` } } }, `kubestatic@sha256:${"0".repeat(64)}`],
  [{ manager: { image: { pullPolicy: "Always" } } }, "imagePullPolicy: Always"],
  [{ manager: { resources: { limits: { memory: "1Gi" } } } }, "memory: 1Gi"],
  [{ manager: { securityContext: { runAsUser: 1000 } } }, "runAsUser: 1000"],
  [{ manager: { extraArgs: ["--dry-run=false"] } }, "- --dry-run=false"],
  [{ manager: { extraEnv: [{ name: "HTTPS_PROXY", value: "http://proxy.test" }] } }, "http://proxy.test"],
  [{ kubeRBACProxy: { enabled: false } }, "--metrics-bind-address=:8080", 'name: "http-metrics"'],
  [
    { metrics: { certSecret: "metrics-tls" } },
    "--metrics-cert-dir=/etc/kubestatic/metrics",
    'secretName: "metrics-tls"'
  ],
  [{ replicaCount: 1 }, "replicas: 1"],
  [{ strategy: { rollingUpdate: { maxUnavailable: 1 } } }, "maxUnavailable: 1"],
  [
    { replicaCount: 1, strategy: { type: "Recreate" }, manager: { extraArgs: ["--leader-elect=false"] } },
    "type: Recreate"
  ],
  [{ podSecurityContext: { fsGroup: 2000 } }, "fsGroup: 2000", "runAsNonRoot: true"],
  [{ terminationGracePeriodSeconds: 30 }, "terminationGracePeriodSeconds: 30"],
  [{ livenessProbe: { failureThreshold: 9 } }, "failureThreshold: 9"],
  [{ readinessProbe: { periodSeconds: 7 } }, "periodSeconds: 7"],
  [{ imagePullSecrets: [{ name: "registry" }] }, "- name: registry"],
  [{ nameOverride: "pinned" }, 'name: "kubestatic-pinned"', 'app.kubernetes.io/name: "pinned"'],
  [{ fullnameOverride: "pinned" }, 'name: "pinned-controller-manager"', 'name: "pinned-metrics-service"'],
  [{ podAnnotations: { "example.test/a": "b" } }, "example.test/a: b"],
  [
    { podAnnotations: { "kubectl.kubernetes.io/default-container": "proxy" } },
    "kubectl.kubernetes.io/default-container: proxy"
  ],
  [{ podLabels: { "example.test/l": "m" } }, "example.test/l: m"],
  [{ nodeSelector: { disk: "ssd" } }, "disk: ssd"],
  [{ priorityClassName: "system-cluster-critical" }, 'priorityClassName: "system-cluster-critical"'],
  [{ tolerations: [{ key: "dedicated", operator: "Exists" }] }, "key: dedicated", "externalip-not-attached"],
  [
    {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: "pool", operator: "In", values: ["system"] }] }]
          }
        }
      }
    },
    "key: pool",
    "externalip-auto-assign"
  ],
  [
    {
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: "rack",
          whenUnsatisfiable: "DoNotSchedule",
          labelSelector: { matchLabels: { "app.kubernetes.io/name": "kubestatic" } }
        }
      ]
    },
    "topologyKey: rack"
  ],
  [{ podDisruptionBudget: { enabled: false } }],
  [{ podDisruptionBudget: { enabled: true, maxUnavailable: "50%" } }, "maxUnavailable: 50%"],
  [{ podDisruptionBudget: { minAvailable: 1 } }, "minAvailable: 1"],
  [{ serviceAccount: { annotations: { "example.test/sa": "c" } } }, "example.test/sa: c"],
  [
    {
      serviceMonitor: {
        enabled: true,
        additionalLabels: { release: "prometheus" },
        annotations: { "example.test/sm": "d" },
        interval: "30s",
        scrapeTimeout: "10s",
        relabelings: [{ sourceLabels: ["__meta_kubernetes_pod_node_name"], targetLabel: "node" }]
      }
    },
    "kind: ServiceMonitor",
    "release: prometheus",
    "example.test/sm: d",
    'interval: "30s"',
    'scrapeTimeout: "10s"',
    "targetLabel: node",
    "scheme: https"
  ],
  [
    {
      prometheusRule: {
        enabled: true,
        additionalLabels: { release: "prometheus" },
        annotations: { "example.test/pr": "e" }
      }
    },
    "kind: PrometheusRule",
    "example.test/pr: e"
  ],
  ...(
    [
      ["1Gi", "1 * 1024 * 1024 * 1024"],
      ["1.5Gi", "1.5 * 1024 * 1024 * 1024"],
      ["300M", "300 * 1000 * 1000"],
      [536_870_912, "5.36870912e+08"],
      [null, "256 * 1024 * 1024"]
    ] as const
  ).map(
    ([memory, bytes]) =>
      [
        { manager: { resources: { limits: { memory } } }, prometheusRule: { enabled: true } },
        `process_resident_memory_bytes > 0.86 * ${bytes} and on`
      ] as const
  ),
  [
    {
      grafanaDashboard: {
        enabled: true,
        namespace: "monitoring",
        labels: { dashboards: "found" },
        annotations: { folder: "AWS" }
      }
    },
    "kind: ConfigMap",
    'namespace: "monitoring"',
    "dashboards: found",
    "folder: AWS"
  ],
  [
    {
      networkPolicy: {
        enabled: true,
        metricsFrom: [prometheusPods],
        apiServerPorts: [8383],
        extraIngress: [{ ports: [{ protocol: "TCP", port: 9999 }] }],
        extraEgress: [{ ports: [{ protocol: "TCP", port: 3128 }] }]
      }
    },
    "kind: NetworkPolicy",
    "app.kubernetes.io/name: prometheus",
    "port: 8383",
    "port: 9999",
    "port: 3128"
  ],
  [{ admissionPolicy: { enabled: true } }, "kind: ValidatingAdmissionPolicyBinding"]
]

/** Keys with nothing behind them, which take a default away. */
export const emptied = {
  adoptClusterIds: null,
  extraTags: null,
  manager: { resources: null, extraArgs: null, extraEnv: null },
  podSecurityContext: null,
  livenessProbe: null,
  readinessProbe: null,
  imagePullSecrets: null,
  podAnnotations: null,
  podLabels: null,
  nodeSelector: null,
  tolerations: null,
  affinity: null,
  topologySpreadConstraints: null,
  serviceAccount: { annotations: null },
  serviceMonitor: { enabled: true, additionalLabels: null, annotations: null, relabelings: null },
  networkPolicy: { enabled: true, metricsFrom: null, apiServerPorts: null, extraEgress: null }
}

/** What the chart refuses, and words of the reason. */
export const refused: ReadonlyArray<readonly [values: unknown, reason: RegExp]> = [
  [{ aws: { accessKeyID: "id" } }, /aws.accessKeyID and aws.secretAccessKey: set both or none/],
  [{ aws: { secretAccessKey: "key" } }, /aws.accessKeyID and aws.secretAccessKey: set both or none/],
  [
    { aws: { existingSecret: "s", accessKeyID: "id", secretAccessKey: "key" } },
    /aws.existingSecret and aws.accessKeyID: set one of them/
  ],
  [{ aws: { projectToken: true } }, /aws.projectToken needs aws.roleArn/],
  [
    { aws: { existingSecret: "s", roleArn: "arn:aws:iam::123456789012:role/kubestatic" } },
    /aws.roleArn and access keys: set one of them/
  ],
  [{ aws: null, manager: { image: null } }, /missing property 'aws'.*missing property 'image'/s],
  [{ aws: { roleArn: "kubestatic" } }, /\/aws\/roleArn/],
  [{ clusterId: "unset" }, /adoptClusterIds: \[unset\]/],
  [{ clusterID: "unset" }, /adoptClusterIds: \[unset\]/],
  [{ clusterId: "a", clusterID: "b" }, /two spellings of one value/],
  [{ clusterId: "a b" }, /\/clusterId/],
  [{ vpcId: "my-vpc" }, /\/vpcId/],
  [{ cloudProvider: "gcp" }, /cloudProvider.*'aws', 'simulated'/s],
  [{ replicaCount: "2" }, /replicaCount.*want integer/s],
  [{ replicacount: 2 }, /additional properties 'replicacount' not allowed/],
  [{ manager: { imagee: {} } }, /additional properties 'imagee' not allowed/],
  [{ driftInterval: "5 minutes" }, /\/driftInterval/],
  [{ driftInterval: 300 }, /driftInterval.*got number, want string/s],
  [{ driftInterval: "1.2.3s" }, /driftInterval': '1\.2\.3s' does not match/],
  [{ ec2RateShare: 2 }, /ec2RateShare.*maximum: got 2, want 1/s],
  [{ ec2RateShare: 0 }, /ec2RateShare.*minimum: got 0, want 0\.0001/s],
  [{ ec2RateShare: 0.00001 }, /ec2RateShare.*minimum: got .*, want 0\.0001/s],
  [{ ec2RateShare: "1.5" }, /ec2RateShare': '1\.5' does not match/],
  [{ extraTags: { "a,b": "c" } }, /extraTags: "a,b" is no key/],
  [{ extraTags: { "kubestatic.quortex.io/managed": "false" } }, /extraTags must not set/],
  [{ extraTags: { Name: "x" } }, /extraTags must not set Name/],
  [{ extraTags: { "AWS:x": "y" } }, /extraTags must not set AWS:x/],
  [{ manager: { image: { tag: "0.14.0" } } }, /an image of the Go implementation/],
  [{ manager: { image: { tag: "v0.14" } } }, /an image of the Go implementation/],
  [{ manager: { extraArgs: ["leader-elect"] } }, /"leader-elect" is no flag: write --flag=value/],
  [{ manager: { extraArgs: ["--dry-run=true", "yes"] } }, /"yes" is no flag/],
  [{ manager: { extraArgs: ["--metrics-bind-address=0"] } }, /must not set --metrics-bind-address: /],
  [{ manager: { extraArgs: ["-metrics-secure=false"] } }, /must not set --metrics-secure: set kubeRBACProxy/],
  [{ manager: { extraArgs: ["--metrics-cert-dir=/tls"] } }, /must not set --metrics-cert-dir: set metrics/],
  [
    { manager: { extraArgs: ["--health-probe-bind-address", ":1"] } },
    /--health-probe-bind-address: the probes/
  ],
  [{ manager: { extraArgs: ["--leader-election-namespace=x"] } }, /must not set --leader-election-namespace/],
  [{ manager: { extraArgs: ["--leader-elect=false"] }, replicaCount: 2 }, /is for one pod at a time/],
  [{ manager: { extraArgs: ["--leader-elect=f"] }, replicaCount: 1 }, /strategy\.type: Recreate/],
  [
    { manager: { extraEnv: [{ name: "KUBESTATIC_LEADER_ELECTION_NAMESPACE", value: "other" }] } },
    /manager.extraEnv must not set KUBESTATIC_LEADER_ELECTION_NAMESPACE: the role for the lease/
  ],
  [
    {
      kubeRBACProxy: { enabled: false },
      manager: { extraEnv: [{ name: "KUBESTATIC_METRICS_SECURE", value: "true" }] }
    },
    /manager.extraEnv must not set KUBESTATIC_METRICS_SECURE: set kubeRBACProxy.enabled/
  ],
  [
    { aws: { region: "eu-west-1" }, manager: { extraEnv: [{ name: "AWS_REGION", value: "eu-west-2" }] } },
    /manager.extraEnv must not set AWS_REGION: it is set already/
  ],
  [
    { metrics: { certSecret: "tls" }, kubeRBACProxy: { enabled: false } },
    /metrics.certSecret is for secure metrics/
  ],
  [{ podLabels: { "app.kubernetes.io/name": "x" } }, /podLabels must not set app.kubernetes.io\/name/],
  [{ logLevel: "loud" }, /\/logLevel/],
  [{ networkPolicy: { apiServerPorts: [0] } }, /apiServerPorts/],
  // A rule without ports would let out everything.
  [{ networkPolicy: { apiServerPorts: [] } }, /apiServerPorts': minItems: got 0, want 1/]
]
