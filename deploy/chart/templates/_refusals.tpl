{{/* What a schema cannot say clearly: values that contradict each other. Each refusal names the way out. */}}
{{- define "kubestatic.refusals" -}}
{{- with .Values.aws }}
{{- if ne (empty .accessKeyID) (empty .secretAccessKey) }}
{{- fail "aws.accessKeyID and aws.secretAccessKey: set both or none" }}
{{- end }}
{{- if and .existingSecret .accessKeyID }}
{{- fail "aws.existingSecret and aws.accessKeyID: set one of them" }}
{{- end }}
{{- if and .roleArn (or .existingSecret .accessKeyID) }}
{{- fail "aws.roleArn and access keys: set one of them; with keys the role would never be assumed" }}
{{- end }}
{{- if and .projectToken (not .roleArn) }}
{{- fail "aws.projectToken needs aws.roleArn: the role that the token is exchanged for" }}
{{- end }}
{{- end }}
{{- $ids := compact (list .Values.clusterId (.Values.clusterID | default "")) | uniq }}
{{- if gt (len $ids) 1 }}
{{- fail "clusterId and clusterID are two spellings of one value: set one of them" }}
{{- end }}
{{- if has "unset" $ids }}
{{- fail "clusterId must not be \"unset\", which is no id of one cluster: leave it out to use the UID of the kube-system namespace, and set adoptClusterIds: [unset] to take over what the Go implementation tagged" }}
{{- end }}
{{- $tag := .Values.manager.image.tag | default "" | toString }}
{{- if and (not .Values.manager.image.digest) (regexMatch "^v?[0-9]+\\.[0-9]+" $tag) }}
{{- if semverCompare "<0.15.0-0" (regexFind "^v?[0-9]+\\.[0-9]+(\\.[0-9]+)?" $tag) }}
{{- fail (printf "manager.image.tag %s is an image of the Go implementation, which this chart does not run: remove manager.image.tag and manager.image.repository, or name an image built from deploy/Dockerfile" $tag) }}
{{- end }}
{{- end }}
{{- include "kubestatic.extraArgsRefusals" . }}
{{- include "kubestatic.extraEnvRefusals" . }}
{{- if and .Values.metrics.certSecret (not .Values.kubeRBACProxy.enabled) }}
{{- fail "metrics.certSecret is for secure metrics: set kubeRBACProxy.enabled: true" }}
{{- end }}
{{- range $key := keys (default dict .Values.extraTags) }}
{{- if not (regexMatch "^[^,=]{1,128}$" $key) }}
{{- fail (printf "extraTags: %q is no key: 1 to 128 characters, none of them a comma or =" $key) }}
{{- end }}
{{- if regexMatch "^((?i:aws:|kubestatic\\.quortex\\.io/|kubernetes\\.io/cluster/)|Name$)" $key }}
{{- fail (printf "extraTags must not set %s: aws:, kubestatic.quortex.io/, kubernetes.io/cluster/ and Name are reserved" $key) }}
{{- end }}
{{- end }}
{{- range $key := keys (default dict .Values.podLabels) }}
{{- if has $key (list "app.kubernetes.io/name" "app.kubernetes.io/instance") }}
{{- fail (printf "podLabels must not set %s: the Deployment finds its pods by it" $key) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Flags that would part the program from what is rendered around it, each with the way out. */}}
{{- define "kubestatic.fixedFlags" -}}
metrics-bind-address: the Service and the network policy name its port; kubeRBACProxy.enabled chooses between 8443 and 8080
metrics-secure: set kubeRBACProxy.enabled
metrics-cert-dir: set metrics.certSecret
health-probe-bind-address: the probes of the pod ask on port 8081
leader-election-namespace: the role for the lease is in the namespace of the release
{{- end }}

{{/* Read as the program reads them: the last of a flag wins, its value may be the next word, an empty one unsets it. */}}
{{- define "kubestatic.extraArgsRefusals" -}}
{{- $fixed := include "kubestatic.fixedFlags" . | fromYaml }}
{{- $elects := "true" }}
{{- $before := "" }}
{{- range $arg := .Values.manager.extraArgs }}
{{- $name := regexFind "^--?[^=]+" $arg | trimAll "-" }}
{{- if hasKey $fixed $name }}
{{- fail (printf "manager.extraArgs must not set --%s: %s" $name (get $fixed $name)) }}
{{- end }}
{{- if and (not $name) (not (regexMatch "^--?[^=]+$" $before)) }}
{{- fail (printf "manager.extraArgs: %q is no flag: write --flag=value, or the flag and its value as two entries" $arg) }}
{{- end }}
{{- if eq $name "leader-elect" }}
{{- $elects = ternary (regexReplaceAll "^[^=]*=" $arg "") "true" (contains "=" $arg) }}
{{- else if and (not $name) (regexMatch "^--?leader-elect$" $before) }}
{{- $elects = $arg }}
{{- end }}
{{- $before = $arg }}
{{- end }}
{{- if has $elects (list "" "0" "f" "F" "false" "FALSE" "False") }}
{{- if or (gt (int .Values.replicaCount) 1) (ne .Values.strategy.type "Recreate") }}
{{- fail "manager.extraArgs: --leader-elect=false is for one pod at a time, or two write at once: set replicaCount: 1 and strategy.type: Recreate" }}
{{- end }}
{{- end }}
{{- end }}

{{/* A flag's variable says the same as the flag. */}}
{{- define "kubestatic.extraEnvRefusals" -}}
{{- range $flag, $way := include "kubestatic.fixedFlags" . | fromYaml }}
{{- $variable := printf "KUBESTATIC_%s" ($flag | upper | replace "-" "_") }}
{{- range $.Values.manager.extraEnv }}
{{- if eq .name $variable }}
{{- fail (printf "manager.extraEnv must not set %s: %s" $variable $way) }}
{{- end }}
{{- end }}
{{- end }}
{{- $names := list }}
{{- range fromYamlArray (include "kubestatic.environment" .) }}
{{- if has .name $names }}
{{- fail (printf "manager.extraEnv must not set %s: it is set already, by the values of aws or twice by manager.extraEnv" .name) }}
{{- end }}
{{- $names = append $names .name }}
{{- end }}
{{- end }}
