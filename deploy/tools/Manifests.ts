/**
 * deploy/manifests, rendered from the chart: the one truth is the chart.
 * Rule: every object that the chart renders lands in exactly one file, or rendering fails.
 */
import { type Document, parseAllDocuments } from "yaml"
import * as Helm from "./Helm.ts"

export interface File {
  /** Below deploy/manifests. */
  readonly path: string
  readonly content: string
}

/** What the chart holds of deploy/monitoring; below deploy. */
export const copies = ["alerts.yaml", "dashboard.json"].map((name) => ({
  from: `monitoring/${name}`,
  to: `chart/files/${name}`
}))

const header = "# Rendered from deploy/chart by `npm run manifests`.\n"

const network = "components/network-policy/network-policy.yaml"
const admission = "components/admission-policy/admission-policy.yaml"
const monitoring = "components/monitoring/"

const pathOf: Readonly<Record<string, string>> = {
  CustomResourceDefinition: "crds.yaml",
  ServiceAccount: "service-account.yaml",
  ClusterRole: "rbac.yaml",
  ClusterRoleBinding: "rbac.yaml",
  Role: "rbac.yaml",
  RoleBinding: "rbac.yaml",
  Deployment: "deployment.yaml",
  Service: "service.yaml",
  PodDisruptionBudget: "pod-disruption-budget.yaml",
  NetworkPolicy: network,
  ValidatingAdmissionPolicy: admission,
  ValidatingAdmissionPolicyBinding: admission,
  ServiceMonitor: `${monitoring}service-monitor.yaml`,
  PrometheusRule: `${monitoring}prometheus-rule.yaml`,
  ConfigMap: `${monitoring}grafana-dashboard.yaml`
}

/** What is off by default in the chart is a component of its own. */
export const values = {
  networkPolicy: { enabled: true },
  admissionPolicy: { enabled: true },
  serviceMonitor: { enabled: true },
  prometheusRule: { enabled: true },
  grafanaDashboard: { enabled: true }
}

/** Labels that speak of Helm. */
const helmLabels = ["helm.sh/chart", "app.kubernetes.io/managed-by"]

const kindOf = (document: Document): string => String(document.get("kind"))

export const render = (helm: string): ReadonlyArray<File> => {
  const rendered = Helm.template(helm, { values, flags: ["--include-crds"] }).replaceAll(
    /^# Source: .*\n/gm,
    ""
  )
  const documents = parseAllDocuments(rendered).filter((document) => document.contents !== null)
  const files = new Map<string, Array<string>>()
  for (const document of documents) {
    const path = pathOf[kindOf(document)]
    if (path === undefined) throw new Error(`deploy/manifests has no file for a ${kindOf(document)}`)
    if (document.hasIn(["metadata", "labels"])) {
      for (const label of helmLabels) document.deleteIn(["metadata", "labels", label])
    }
    const text = document.toString({ lineWidth: 0, directives: false, flowCollectionPadding: false })
    files.set(path, [...(files.get(path) ?? []), text])
  }
  return [...files].map(([path, texts]) => ({ path, content: header + texts.join("---\n") }))
}
