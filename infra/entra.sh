#!/bin/sh
# Register the registry in Entra ID: `infra/entra.sh [--groups] URL [NAME]`, after the infrastructure is there.
#
# Makes the application, or brings the one of that name up to date: the redirect URI that people come
# back through, and trust in the managed identity of the app, which therefore needs no secret. Prints the client id and keeps it in the azd environment.
# `--groups` puts the groups of a person into the token, and lets the registry ask Microsoft Graph for those of people who have more than
# 200, and between sign-ins. For that, an administrator of the tenant has to consent.
# Takes the role Application Developer of the tenant, or more. May be repeated.
set -eu

fail() {
    echo "$1" >&2
    exit 1
}

groups=
[ "${1:-}" != --groups ] || { groups=yes && shift; }
[ $# -ge 1 ] || fail "Give the public address of the registry: infra/entra.sh https://ballroom.example.org"
url=${1%/}
name=${2:-Ballroom}
case $url in https://*) ;; *) fail "$url does not begin with https://, which Entra ID asks of an address to come back to." ;; esac

identity=${BALLROOM_IDENTITY_PRINCIPAL_ID:-$(azd env get-value BALLROOM_IDENTITY_PRINCIPAL_ID)}
tenant=$(az account show --query tenantId --output tsv)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat > "$folder/trust.json" <<JSON
{
  "name": "ballroom",
  "issuer": "https://login.microsoftonline.com/$tenant/v2.0",
  "subject": "$identity",
  "audiences": ["api://AzureADTokenExchange"],
  "description": "The managed identity of the registry, instead of a client secret."
}
JSON

client=$(az ad app list --filter "displayName eq '$name'" --query '[0].appId' --output tsv)
if [ -z "$client" ]; then
    client=$(az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg --query appId --output tsv)
fi

az ad app update --id "$client" \
    --web-redirect-uris "$url/sign-in/callback/entra" \
    --requested-access-token-version 2 > /dev/null

if [ -z "$(az ad app federated-credential list --id "$client" --query "[?name=='ballroom'].name" --output tsv)" ]; then
    az ad app federated-credential create --id "$client" --parameters "@$folder/trust.json" > /dev/null
else
    az ad app federated-credential update --id "$client" --federated-credential-id ballroom \
        --parameters "@$folder/trust.json" > /dev/null
fi

# Without a service principal nobody of the tenant can sign in.
if [ -z "$(az ad sp list --filter "appId eq '$client'" --query '[0].id' --output tsv)" ]; then
    az ad sp create --id "$client" > /dev/null
fi

if [ -n "$groups" ]; then
    # GroupMember.Read.All and User.ReadBasic.All of Microsoft Graph.
    cat > "$folder/graph.json" <<JSON
[{
  "resourceAppId": "00000003-0000-0000-c000-000000000000",
  "resourceAccess": [
    {"id": "98830695-27a2-44f7-8c18-0c3ebc9698f6", "type": "Role"},
    {"id": "97235f07-e226-4f63-ace3-39588e11d3a1", "type": "Role"}
  ]
}]
JSON
    az ad app update --id "$client" --set groupMembershipClaims=SecurityGroup > /dev/null
    az ad app update --id "$client" --required-resource-accesses "@$folder/graph.json" > /dev/null
    az ad app permission admin-consent --id "$client" ||
        echo "Ask an administrator of the tenant to run: az ad app permission admin-consent --id $client" >&2
fi

azd env set BALLROOM_ENTRA_CLIENT_ID "$client"
echo "$name is registered as $client. Run: azd provision"
