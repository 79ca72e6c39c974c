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
app.kubernetes.io/name: {{ include "kubestatic.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "kubestatic.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "kubestatic.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "kubestatic.serviceAccountName" -}}
{{ include "kubestatic.fullname" . }}-controller-manager
{{- end }}

{{/* The one subject of every binding. */}}
{{- define "kubestatic.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "kubestatic.serviceAccountName" . }}
    namespace: {{ .Release.Namespace }}
{{- end }}

{{- define "kubestatic.image" -}}
{{- with .Values.manager.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}
