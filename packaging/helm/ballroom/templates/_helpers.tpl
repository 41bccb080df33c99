{{- define "ballroom.name" -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "ballroom.selector" -}}
app.kubernetes.io/name: ballroom
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ballroom.labels" -}}
{{ include "ballroom.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}
