{{/* What the values mean, where more than one of them says it. */}}

{{- define "kubestatic.clusterId" -}}
{{- .Values.clusterId | default .Values.clusterID | default "" -}}
{{- end }}

{{/* The Secret with accessKeyId and secretAccessKey; empty where there is none. */}}
{{- define "kubestatic.credentialsSecret" -}}
{{- if eq .Values.cloudProvider "aws" }}
{{- if .Values.aws.existingSecret }}{{ .Values.aws.existingSecret }}
{{- else if .Values.aws.accessKeyID }}{{ include "kubestatic.fullname" . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "kubestatic.metricsPortName" -}}
{{ ternary "https-metrics" "http-metrics" .Values.kubeRBACProxy.enabled }}
{{- end }}

{{- define "kubestatic.metricsPort" -}}
{{ ternary 8443 8080 .Values.kubeRBACProxy.enabled }}
{{- end }}

{{- define "kubestatic.projectsToken" -}}
{{- if and (eq .Values.cloudProvider "aws") .Values.aws.projectToken }}true{{ end }}
{{- end }}

{{- define "kubestatic.mountsCertificate" -}}
{{- if and .Values.kubeRBACProxy.enabled .Values.metrics.certSecret }}true{{ end }}
{{- end }}

{{/* In bytes, as a product for PromQL. Where there is no limit, or it is written in a rarer way: the default one. */}}
{{- define "kubestatic.memoryLimit" -}}
{{- $limit := dig "limits" "memory" "" (default dict .Values.manager.resources) | toString }}
{{- $units := dict "k" " * 1000" "M" " * 1000 * 1000" "G" " * 1000 * 1000 * 1000" "Ki" " * 1024" "Mi" " * 1024 * 1024" "Gi" " * 1024 * 1024 * 1024" }}
{{- if regexMatch "^[0-9]+([.][0-9]+)?(e[+]?[0-9]+)?([kMG]|[KMG]i)?$" $limit -}}
{{ regexFind "^[0-9.]+(e[+]?[0-9]+)?" $limit }}{{ get $units (regexFind "[kKMGi]*$" $limit) }}
{{- else -}}
256 * 1024 * 1024
{{- end }}
{{- end }}

{{/* The flags, in the order of --help. */}}
{{- define "kubestatic.arguments" -}}
- --cloud-provider={{ .Values.cloudProvider }}
{{- with .Values.vpcId }}
- --vpc-id={{ . }}
{{- end }}
{{- with include "kubestatic.clusterId" . }}
- --cluster-id={{ . }}
{{- end }}
{{- range .Values.adoptClusterIds }}
- --adopt-cluster-id={{ . }}
{{- end }}
{{- if .Values.extraTags }}
{{- $pairs := list }}
{{- range $key, $value := .Values.extraTags }}
{{- $pairs = append $pairs (printf "%s=%s" $key $value) }}
{{- end }}
- {{ printf "--extra-tags=%s" (join "," $pairs) | quote }}
{{- end }}
{{- if .Values.preventEIPDeallocation }}
- --prevent-eip-deallocation
{{- end }}
- --node-min-reconciliation-interval={{ .Values.nodeMinReconciliationInterval }}
- --node-reconciliation-requeue-interval={{ .Values.nodeReconciliationRequeueInterval }}
- --drift-interval={{ .Values.driftInterval }}
- --interface-selection={{ .Values.interfaceSelection }}
- --ec2-rate-share={{ .Values.ec2RateShare }}
{{- if .Values.dryRun }}
- --dry-run
{{- end }}
- --leader-elect
- --metrics-bind-address=:{{ include "kubestatic.metricsPort" . }}
{{- if .Values.kubeRBACProxy.enabled }}
- --metrics-secure
{{- end }}
{{- if include "kubestatic.mountsCertificate" . }}
- --metrics-cert-dir=/etc/kubestatic/metrics
{{- end }}
- --health-probe-bind-address=:8081
- --log-level={{ .Values.logLevel }}
- --log-format={{ .Values.logFormat }}
{{- with .Values.manager.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end }}
