"""What a CI system runs to publish without a stored secret, ready to copy.

docs/trusted-publishing.md shows the same, and its tests run it.
"""

from shared.domain.workloads import Provider

# What stands for the registry and the organization below, and in the documentation.
EXAMPLE_URL = "https://ballroom.example.org"
EXAMPLE_ORG = '"org":"acme"'

_GITHUB = """\
name: Release
on:
  push:
    tags: ["v*"]

permissions:
  contents: read

jobs:
  publish:
    runs-on: ubuntu-latest
    environment: release
    permissions:
      contents: read
      id-token: write
    env:
      REGISTRY: https://ballroom.example.org
    steps:
      - uses: actions/checkout@v5
      - uses: ballerina-platform/setup-ballerina@v1
        with:
          version: 2201.13.4
      - name: Pack
        run: bal pack
      - name: Publish
        run: |
          set -eu
          id_token=$(curl -fsS -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \\
            "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=$REGISTRY" |
            sed 's/.*"value": *"\\([^"]*\\)".*/\\1/')
          answer=$(printf '{"org":"acme","token":"%s"}' "$id_token" |
            curl -sS --fail-with-body -H "Content-Type: application/json" --data @- \\
              "$REGISTRY/api/v1/trusted-publishing/token") || { echo "$answer"; exit 1; }
          token=$(printf '%s' "$answer" | sed 's/.*"token": *"\\([^"]*\\)".*/\\1/')
          echo "::add-mask::$token"
          mkdir -p "$HOME/.ballerina"
          curl -fsS "$REGISTRY/api/v1/settings.toml" |
            sed "s/put-your-access-token-here/$token/" > "$HOME/.ballerina/Settings.toml"
          bal push --repository=ballroom
"""

_GITLAB = """\
publish:
  stage: deploy
  image: registry.example.org/tools/ballerina:2201.13
  environment: release
  rules:
    - if: $CI_COMMIT_TAG =~ /^v/
  id_tokens:
    ID_TOKEN:
      aud: https://ballroom.example.org
  variables:
    REGISTRY: https://ballroom.example.org
  script:
    - bal pack
    - |
      set -eu
      answer=$(printf '{"org":"acme","token":"%s"}' "$ID_TOKEN" |
        curl -sS --fail-with-body -H "Content-Type: application/json" --data @- \\
          "$REGISTRY/api/v1/trusted-publishing/token") || { echo "$answer"; exit 1; }
      token=$(printf '%s' "$answer" | sed 's/.*"token": *"\\([^"]*\\)".*/\\1/')
      mkdir -p "$HOME/.ballerina"
      curl -fsS "$REGISTRY/api/v1/settings.toml" |
        sed "s/put-your-access-token-here/$token/" > "$HOME/.ballerina/Settings.toml"
      bal push --repository=ballroom
"""

_AZURE_DEVOPS = """\
trigger:
  branches:
    include: [main]
pr: none

pool:
  vmImage: ubuntu-latest

variables:
  REGISTRY: https://ballroom.example.org

steps:
  - checkout: self
  - script: bal pack
    displayName: Pack
  - script: |
      set -eu
      id_token=$(curl -fsS -X POST -H "Content-Length: 0" \\
        -H "Authorization: Bearer $SYSTEM_ACCESSTOKEN" \\
        "$SYSTEM_OIDCREQUESTURI?api-version=7.1" |
        sed 's/.*"oidcToken": *"\\([^"]*\\)".*/\\1/')
      answer=$(printf '{"org":"acme","token":"%s"}' "$id_token" |
        curl -sS --fail-with-body -H "Content-Type: application/json" --data @- \\
          "$REGISTRY/api/v1/trusted-publishing/token") || { echo "$answer"; exit 1; }
      token=$(printf '%s' "$answer" | sed 's/.*"token": *"\\([^"]*\\)".*/\\1/')
      echo "##vso[task.setsecret]$token"
      mkdir -p "$HOME/.ballerina"
      curl -fsS "$REGISTRY/api/v1/settings.toml" |
        sed "s/put-your-access-token-here/$token/" > "$HOME/.ballerina/Settings.toml"
      bal push --repository=ballroom
    displayName: Publish
    env:
      SYSTEM_ACCESSTOKEN: $(System.AccessToken)
"""

_ENTRA = """\
set -eu
id_token=$(curl -fsS "${AZURE_AUTHORITY_HOST}${AZURE_TENANT_ID}/oauth2/v2.0/token" \\
  -d grant_type=client_credentials -d "client_id=$AZURE_CLIENT_ID" \\
  --data-urlencode "scope=$REGISTRY_APPLICATION/.default" \\
  -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \\
  --data-urlencode "client_assertion@$AZURE_FEDERATED_TOKEN_FILE" |
  sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/')
answer=$(printf '{"org":"acme","token":"%s"}' "$id_token" |
  curl -sS --fail-with-body -H "Content-Type: application/json" --data @- \\
    "$REGISTRY/api/v1/trusted-publishing/token") || { echo "$answer"; exit 1; }
token=$(printf '%s' "$answer" | sed 's/.*"token": *"\\([^"]*\\)".*/\\1/')
mkdir -p "$HOME/.ballerina"
curl -fsS "$REGISTRY/api/v1/settings.toml" |
  sed "s/put-your-access-token-here/$token/" > "$HOME/.ballerina/Settings.toml"
bal push --repository=ballroom
"""

_PIPELINES = {
    Provider.GITHUB: _GITHUB,
    Provider.GITLAB: _GITLAB,
    Provider.AZURE_DEVOPS: _AZURE_DEVOPS,
    Provider.ENTRA: _ENTRA,
}


def pipeline(provider: Provider, url: str, org: str) -> str:
    """Return what jobs of the provider run to publish packages of `org` to the registry."""
    text = _PIPELINES[provider]
    return text.replace(EXAMPLE_URL, url).replace(EXAMPLE_ORG, f'"org":"{org}"')
