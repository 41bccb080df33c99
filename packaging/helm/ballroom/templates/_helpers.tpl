{{- define "ballroom.name" -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "ballroom.selector" -}}
app.kubernetes.io/name: ballroom
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* A value of a setting as text. Helm reads every number of a file as one with a fraction. */}}
{{- define "ballroom.text" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) -}}
{{- printf "%.0f" . -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end -}}

{{- define "ballroom.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end -}}

{{- define "ballroom.labels" -}}
{{ include "ballroom.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* The environment of the registry and of its backup. */}}
{{- define "ballroom.env" -}}
- name: BALLROOM_URL
  value: {{ .Values.url | quote }}
- name: BALLROOM_EXEC_PREFIX
  value: kubectl exec --namespace={{ .Release.Namespace }} {{ include "ballroom.name" . }}-0 --
- name: WORKERS
  value: {{ .Values.workers | quote }}
{{- with .Values.trustedProxies }}
- name: BALLROOM_TRUSTED_PROXIES
  value: {{ join "," . | quote }}
{{- end }}
{{- if .Values.certificateAuthority.configMap }}
- name: BALLROOM_CA_FILE
  value: /etc/ballroom/ca.pem
{{- end }}
{{- if .Values.settingsFile.configMap }}
- name: BALLROOM_CONFIG
  value: /etc/ballroom-settings/ballroom.toml
{{- end }}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ include "ballroom.text" $value | quote }}
{{- end }}
{{- range $name, $secret := .Values.settingsFromSecrets }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret.name }}
      key: {{ $secret.key }}
{{- end }}
{{- end -}}

{{/* Files of config maps: the company's own authority, where BALLROOM_CA_FILE names it, and settings, where
BALLROOM_CONFIG does. */}}
{{- define "ballroom.fileVolumes" -}}
{{- with .Values.certificateAuthority }}
{{- if .configMap }}
- name: certificate-authority
  configMap:
    name: {{ .configMap }}
    items: [{key: {{ .key | quote }}, path: ca.pem}]
{{- end }}
{{- end }}
{{- with .Values.settingsFile }}
{{- if .configMap }}
- name: settings
  configMap:
    name: {{ .configMap }}
    items: [{key: {{ .key | quote }}, path: ballroom.toml}]
{{- end }}
{{- end }}
{{- end -}}

{{- define "ballroom.fileMounts" -}}
{{- if .Values.certificateAuthority.configMap }}
- name: certificate-authority
  mountPath: /etc/ballroom
  readOnly: true
{{- end }}
{{- if .Values.settingsFile.configMap }}
- name: settings
  mountPath: /etc/ballroom-settings
  readOnly: true
{{- end }}
{{- end -}}

{{- define "ballroom.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "ballroom.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}
