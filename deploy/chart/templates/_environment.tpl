{{/* What the AWS SDK reads from the environment. */}}
{{- define "kubestatic.environment" -}}
{{- if eq .Values.cloudProvider "aws" }}
{{- with .Values.aws.region }}
- name: AWS_REGION
  value: {{ . | quote }}
{{- end }}
{{- with include "kubestatic.credentialsSecret" . }}
- name: AWS_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef:
      name: {{ . | quote }}
      key: accessKeyId
- name: AWS_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef:
      name: {{ . | quote }}
      key: secretAccessKey
{{- end }}
{{- if include "kubestatic.projectsToken" . }}
- name: AWS_ROLE_ARN
  value: {{ .Values.aws.roleArn | quote }}
- name: AWS_WEB_IDENTITY_TOKEN_FILE
  value: /var/run/secrets/kubestatic/aws/token
{{- end }}
{{- end }}
{{- with .Values.manager.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}
