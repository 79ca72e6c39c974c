{{/* Names and labels. Those of the Go implementation's chart 0.14: selectors of a Deployment cannot be changed, and
     other things hold on to the rest. */}}

{{- define "kubestatic.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "kubestatic.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $whole := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $whole .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "kubestatic.selectorLabels" -}}
app.kubernetes.io/name: {{ include "kubestatic.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "kubestatic.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}
{{ include "kubestatic.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
{{- end }}

{{/* With further ones, which win: "labels" of the dict that is given. */}}
{{- define "kubestatic.labelsWith" -}}
{{- merge dict (default dict .labels) (include "kubestatic.labels" .root | fromYaml) | toYaml }}
{{- end }}

{{/* A Service is named by a DNS label: no dot, a letter first, and 63 characters at most. Names that fit are those of 0.14. */}}
{{- define "kubestatic.metricsServiceName" -}}
{{- $fullname := include "kubestatic.fullname" . | replace "." "-" }}
{{- if regexMatch "^[0-9]" $fullname }}
{{- $fullname = printf "kubestatic-%s" $fullname }}
{{- end }}
{{- if gt (len $fullname) 47 }}
{{- $fullname = printf "%s-%s" ($fullname | trunc 38 | trimSuffix "-") ($fullname | sha256sum | trunc 8) }}
{{- end }}
{{- printf "%s-metrics-service" $fullname }}
{{- end }}

{{- define "kubestatic.serviceAccountName" -}}
{{ include "kubestatic.fullname" . }}-controller-manager
{{- end }}

{{/* The one subject of every binding. */}}
{{- define "kubestatic.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "kubestatic.serviceAccountName" . | quote }}
    namespace: {{ .Release.Namespace | quote }}
{{- end }}

{{- define "kubestatic.image" -}}
{{- with .Values.manager.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}
