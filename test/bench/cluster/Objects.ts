/**
 * Objects as a large cluster on EKS has them, with everything that the operator does not look at.
 * Rule: made from their number alone; sizes are those of real ones: a Node of 20 kB, most of it images, managed fields
 * and conditions, a Pod of 6 kB.
 */
import * as ExternalIP from "../../../src/domain/ExternalIP.ts"
import * as FirewallRule from "../../../src/domain/FirewallRule.ts"
import {
  addressLabel,
  autoAssignLabel,
  externalIPFinalizer,
  firewallRuleFinalizer
} from "../../../src/domain/Names.ts"
import type { Raw } from "../../../src/domain/Object.ts"
import * as ExternalIPStatus from "../../../src/operator/externalip/Status.ts"
import * as FirewallRuleStatus from "../../../src/operator/firewallrule/Status.ts"

const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, "0")
/** When the object of that number was made: no two in the same moment. */
const madeAt = (i: number): string =>
  new Date(1_767_225_600_000 + i * 7_000).toISOString().replace(".000", "")
const made = madeAt(0)

export const nodeName = (i: number): string =>
  `ip-10-${(i >> 16) & 255}-${(i >> 8) & 255}-${i & 255}.eu-west-1.compute.internal`
export const zone = (i: number): string => `eu-west-1${"abc"[i % 3]}`
export const instanceId = (i: number): string => `i-0${hex(i, 16)}`
export const interfaceId = (i: number): string => `eni-0${hex(i, 16)}`
export const allocationId = (i: number): string => `eipalloc-0${hex(i, 16)}`
export const associationId = (i: number): string => `eipassoc-0${hex(i, 16)}`
export const groupId = (i: number): string => `sg-0${hex(i, 16)}`
export const publicIp = (i: number): string => `52.${16 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`
export const externalIPName = (i: number): string => `auto-assigned-${hex(i, 12)}`
export const uidOf = (kind: string, i: number): string =>
  `${hex(kind.length * 0x1111111 + i, 8)}-${hex(i % 0xffff, 4)}-4${hex(i % 0xfff, 3)}-8${hex(i % 0xfff, 3)}-${hex(i, 12)}`
export const vpcId = "vpc-0123456789abcdef0"

const images = Array.from({ length: 48 }, (_, n) => ({
  names: [
    `602401143452.dkr.ecr.eu-west-1.amazonaws.com/team-${n % 7}/service-${n}@sha256:${hex(n * 7919 + 1, 64)}`,
    `602401143452.dkr.ecr.eu-west-1.amazonaws.com/team-${n % 7}/service-${n}:v1.${n}.0-eksbuild.${n % 5}`
  ],
  sizeBytes: 12_345_678 * (n + 1)
}))

/** Which fields which manager owns, as the API server writes it down. */
const managed = (manager: string, subresource: string | undefined, keys: ReadonlyArray<string>) => ({
  manager,
  operation: "Update",
  apiVersion: "v1",
  time: made,
  fieldsType: "FieldsV1",
  fieldsV1: Object.fromEntries(keys.map((key) => [`f:${key}`, { ".": {}, "f:value": {}, "f:since": {} }])),
  ...(subresource === undefined ? {} : { subresource })
})

const labelsOf = (i: number): Record<string, string> => ({
  "beta.kubernetes.io/arch": "amd64",
  "beta.kubernetes.io/instance-type": "m6i.2xlarge",
  "beta.kubernetes.io/os": "linux",
  "eks.amazonaws.com/capacityType": "SPOT",
  "eks.amazonaws.com/nodegroup": `edge-${i % 8}`,
  "eks.amazonaws.com/nodegroup-image": "ami-0123456789abcdef0",
  "failure-domain.beta.kubernetes.io/region": "eu-west-1",
  "failure-domain.beta.kubernetes.io/zone": zone(i),
  "k8s.io/cloud-provider-aws": "0123456789abcdef0123456789abcdef",
  "karpenter.k8s.aws/instance-category": "m",
  "karpenter.k8s.aws/instance-cpu": "8",
  "karpenter.k8s.aws/instance-family": "m6i",
  "karpenter.k8s.aws/instance-generation": "6",
  "karpenter.k8s.aws/instance-hypervisor": "nitro",
  "karpenter.k8s.aws/instance-memory": "32768",
  "karpenter.k8s.aws/instance-network-bandwidth": "3125",
  "karpenter.sh/capacity-type": "spot",
  "karpenter.sh/nodepool": `edge-${i % 8}`,
  "kubernetes.io/arch": "amd64",
  "kubernetes.io/hostname": nodeName(i),
  "kubernetes.io/os": "linux",
  "node.kubernetes.io/instance-type": "m6i.2xlarge",
  "topology.ebs.csi.aws.com/zone": zone(i),
  "topology.kubernetes.io/region": "eu-west-1",
  "topology.kubernetes.io/zone": zone(i),
  [autoAssignLabel]: "true",
  [addressLabel]: publicIp(i)
})

const condition = (type: string, status: string, reason: string, heartbeat: string) => ({
  type,
  status,
  lastHeartbeatTime: heartbeat,
  lastTransitionTime: made,
  reason,
  message: `kubelet says: ${reason}, as it has said since it was started on this machine`
})

/** `beat` counts the node's status updates: they change the conditions' times and nothing else. */
export const node = (i: number, version: string, beat = 0): Raw => {
  const heartbeat = new Date(Date.parse(made) + beat * 300_000).toISOString().replace(".000", "")
  return {
    kind: "Node",
    apiVersion: "v1",
    metadata: {
      name: nodeName(i),
      uid: uidOf("Node", i),
      resourceVersion: version,
      creationTimestamp: madeAt(i),
      labels: labelsOf(i),
      annotations: {
        "alpha.kubernetes.io/provided-node-ip": `10.0.${(i >> 8) & 255}.${i & 255}`,
        "csi.volume.kubernetes.io/nodeid": `{"ebs.csi.aws.com":"${instanceId(i)}","efs.csi.aws.com":"${instanceId(i)}"}`,
        "karpenter.k8s.aws/ec2nodeclass-hash": "12345678901234567890",
        "node.alpha.kubernetes.io/ttl": "0",
        "volumes.kubernetes.io/controller-managed-attach-detach": "true"
      },
      managedFields: [
        managed("kubelet", undefined, Object.keys(labelsOf(i))),
        managed("karpenter", undefined, ["taints", "finalizers", "ownerReferences"]),
        managed("kubestatic", undefined, [addressLabel]),
        managed("kubelet", "status", [
          "allocatable",
          "capacity",
          "conditions",
          "images",
          "nodeInfo",
          "addresses"
        ])
      ]
    },
    spec: {
      providerID: `aws:///${zone(i)}/${instanceId(i)}`,
      taints: [{ key: "edge", value: "true", effect: "NoSchedule" }]
    },
    status: {
      capacity: {
        cpu: "8",
        memory: "32Gi",
        pods: "58",
        "ephemeral-storage": "83873772Ki",
        "hugepages-1Gi": "0"
      },
      allocatable: {
        cpu: "7910m",
        memory: "31Gi",
        pods: "58",
        "ephemeral-storage": "76224326324",
        "hugepages-1Gi": "0"
      },
      conditions: [
        condition("MemoryPressure", "False", "KubeletHasSufficientMemory", heartbeat),
        condition("DiskPressure", "False", "KubeletHasNoDiskPressure", heartbeat),
        condition("PIDPressure", "False", "KubeletHasSufficientPID", heartbeat),
        condition("Ready", "True", "KubeletReady", heartbeat)
      ],
      addresses: [
        { type: "InternalIP", address: `10.0.${(i >> 8) & 255}.${i & 255}` },
        { type: "ExternalIP", address: publicIp(i) },
        { type: "Hostname", address: nodeName(i) }
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      nodeInfo: {
        machineID: hex(i, 32),
        systemUUID: uidOf("system", i),
        bootID: uidOf("boot", i),
        kernelVersion: "6.12.40-64.114.amzn2023.x86_64",
        osImage: "Amazon Linux 2023.9.20250929",
        containerRuntimeVersion: "containerd://2.1.4",
        kubeletVersion: "v1.34.1-eks-113cf36",
        kubeProxyVersion: "",
        operatingSystem: "linux",
        architecture: "amd64"
      },
      images,
      volumesInUse: Array.from(
        { length: 6 },
        (_, n) => `kubernetes.io/csi/ebs.csi.aws.com^vol-0${hex(i * 8 + n, 16)}`
      ),
      volumesAttached: Array.from({ length: 6 }, (_, n) => ({
        name: `kubernetes.io/csi/ebs.csi.aws.com^vol-0${hex(i * 8 + n, 16)}`,
        devicePath: ""
      })),
      runtimeHandlers: [{ name: "", features: { recursiveReadOnlyMounts: true, userNamespaces: true } }],
      features: { supplementalGroupsPolicy: true }
    }
  }
}

const container = (n: number, i: number) => ({
  name: `container-${n}`,
  image: `602401143452.dkr.ecr.eu-west-1.amazonaws.com/team/service-${n}:v1.${i % 90}.0`,
  ports: [{ name: "http", containerPort: 8080 + n, protocol: "TCP" }],
  env: Array.from({ length: 12 }, (_, e) => ({
    name: `SETTING_${e}`,
    value: `value of setting ${e} of ${i % 100}`
  })),
  resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "256Mi" } },
  volumeMounts: [
    { name: "kube-api-access", readOnly: true, mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" }
  ],
  livenessProbe: {
    httpGet: { path: "/live", port: "http", scheme: "HTTP" },
    timeoutSeconds: 1,
    periodSeconds: 10
  },
  terminationMessagePath: "/dev/termination-log",
  imagePullPolicy: "IfNotPresent"
})

/** The first `labelled` of all pods ask for the address of their node. */
export const pod = (i: number, version: string, nodes: number, labelled: number): Raw => ({
  kind: "Pod",
  apiVersion: "v1",
  metadata: {
    name: `service-${i % 400}-6d4cf56db6-${hex(i, 5)}`,
    generateName: `service-${i % 400}-6d4cf56db6-`,
    namespace: `team-${i % 40}`,
    uid: uidOf("Pod", i),
    resourceVersion: version,
    creationTimestamp: madeAt(i),
    labels: {
      "app.kubernetes.io/name": `service-${i % 400}`,
      "app.kubernetes.io/instance": `service-${i % 400}-main`,
      "pod-template-hash": "6d4cf56db6",
      ...(i < labelled ? { [addressLabel]: publicIp(i % nodes) } : {})
    },
    ownerReferences: [
      {
        apiVersion: "apps/v1",
        kind: "ReplicaSet",
        name: `service-${i % 400}-6d4cf56db6`,
        uid: uidOf("ReplicaSet", i % 400),
        controller: true
      }
    ],
    managedFields: [
      managed(
        "kube-controller-manager",
        undefined,
        Array.from({ length: 12 }, (_, n) => `field-${n}`)
      ),
      managed("kubelet", "status", [
        "conditions",
        "containerStatuses",
        "hostIP",
        "phase",
        "podIP",
        "startTime"
      ])
    ]
  },
  spec: {
    volumes: [
      {
        name: "kube-api-access",
        projected: {
          sources: [{ serviceAccountToken: { expirationSeconds: 3607, path: "token" } }],
          defaultMode: 420
        }
      }
    ],
    containers: [container(0, i), container(1, i)],
    restartPolicy: "Always",
    nodeName: nodeName(i % nodes),
    schedulerName: "default-scheduler",
    tolerations: [{ key: "edge", operator: "Exists" }]
  },
  status: {
    phase: "Running",
    conditions: ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"].map(
      (type) => ({ type, status: "True", lastProbeTime: null, lastTransitionTime: made })
    ),
    hostIP: `10.0.${(i >> 8) & 255}.${i & 255}`,
    podIP: `10.1.${(i >> 8) & 255}.${i & 255}`,
    startTime: made,
    containerStatuses: [0, 1].map((n) => ({
      name: `container-${n}`,
      ready: true,
      restartCount: 0,
      containerID: `containerd://${hex(i, 64)}`,
      image: container(n, i).image,
      state: { running: { startedAt: made } }
    })),
    qosClass: "Burstable"
  }
})

/** Associated to the node of its number, as this operator leaves it behind. */
export const externalIP = (i: number, version: string): Raw => {
  const bare: Raw = {
    kind: "ExternalIP",
    apiVersion: "kubestatic.quortex.io/v1alpha1",
    metadata: {
      name: externalIPName(i),
      uid: uidOf("ExternalIP", i),
      resourceVersion: version,
      generation: 1,
      creationTimestamp: madeAt(i),
      finalizers: [externalIPFinalizer],
      labels: { [autoAssignLabel]: "true" },
      managedFields: [
        managed("kubestatic", undefined, ["finalizers", "nodeName"]),
        managed("kubestatic", "status", ["addressID", "conditions", "state"])
      ]
    },
    spec: { nodeName: nodeName(i), disableReconciliation: false, preventEIPDeallocation: false }
  }
  const association = {
    associationId: associationId(i),
    instanceId: instanceId(i),
    networkInterfaceId: interfaceId(i)
  }
  const address = { allocationId: allocationId(i), publicIp: publicIp(i), tags: {}, association }
  const object = ExternalIP.decode(bare)
  const status = ExternalIPStatus.render(
    object,
    ExternalIPStatus.associated(object, address, association),
    Date.parse(madeAt(i))
  )
  return { ...bare, status }
}

export const rulesPerNode = 5
/** Rule `i` is one of several of the node of number `i / rulesPerNode`. */
export const ruleNode = (i: number): number => Math.floor(i / rulesPerNode)
export const rulePort = (i: number): number => 8_000 + (i % rulesPerNode)

/** Open on its node, as this operator leaves it behind. */
export const firewallRule = (i: number, version: string): Raw => {
  const node = ruleNode(i)
  const name = `rule-${hex(i, 6)}`
  const bare: Raw = {
    kind: "FirewallRule",
    apiVersion: "kubestatic.quortex.io/v1alpha1",
    metadata: {
      name,
      uid: uidOf("FirewallRule", i),
      resourceVersion: version,
      generation: 1,
      creationTimestamp: madeAt(i),
      finalizers: [firewallRuleFinalizer],
      managedFields: [
        managed("kubectl", undefined, ["description", "direction", "ipRanges", "protocol"]),
        managed("kubestatic", "status", ["conditions", "state"])
      ]
    },
    spec: {
      nodeName: nodeName(node),
      description: "service of the edge",
      direction: "Ingress",
      protocol: "tcp",
      fromPort: rulePort(i),
      toPort: rulePort(i),
      ipRanges: [{ cidr: "0.0.0.0/0", description: "anywhere" }],
      disableReconciliation: false
    }
  }
  const rule = FirewallRule.decode(bare)
  const report = {
    nodeName: nodeName(node),
    groupId: groupId(node),
    instanceId: instanceId(node),
    networkInterfaceId: interfaceId(node),
    rules: new Map(),
    isExact: true
  }
  const status = FirewallRuleStatus.render(
    rule,
    FirewallRuleStatus.reported(rule, report, { _tag: "Applied" }),
    Date.parse(madeAt(i))
  )
  return { ...bare, status }
}
