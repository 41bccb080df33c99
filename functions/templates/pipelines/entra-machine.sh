#!/usr/bin/env bash
set -euo pipefail
umask 077
trap 'rm -f "$HOME/.ballerina/Settings.toml"' EXIT
REGISTRY=https://ballroom.example.org
bal pack
id_token=$(curl -fsS --get -H "Metadata: true" \
  --data api-version=2018-02-01 --data-urlencode resource=api://ballroom \
  "http://169.254.169.254/metadata/identity/oauth2/token" |
  sed 's/.*"access_token": *"//; s/".*//')
answer=$(printf '{"org":"acme","token":"%s"}' "$id_token" |
  curl -sS --fail-with-body -H "Content-Type: application/json" --data @- \
    "$REGISTRY/api/v1/trusted-publishing/token") || { echo "$answer"; exit 1; }
token=$(printf '%s' "$answer" | sed 's/.*"token": *"//; s/".*//')
mkdir -p "$HOME/.ballerina"
curl -fsS "$REGISTRY/api/v1/settings.toml" |
  sed "s/put-your-access-token-here/$token/" > "$HOME/.ballerina/Settings.toml"
bal push --repository=ballroom
