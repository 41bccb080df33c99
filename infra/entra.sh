#!/bin/sh
# Register the registry in Entra ID: `infra/entra.sh [--groups] URL [NAME]`, after the infrastructure is there.
#
# Makes the application, or brings that of BALLROOM_ENTRA_CLIENT_ID up to date: the redirect URI that people come
# back through, and trust in the managed identity of the app, which therefore needs no secret. Prints the client id
# and keeps it in the azd environment. NAME is what a new application is called, by default Ballroom and the name of
# the azd environment. An application of that name which does not trust this registry is never changed.
# The registry asks Microsoft Graph who is enabled, and locks the accounts of everybody else. `--groups` puts the
# groups of a person into the token as well, and lets the registry ask for those of people who have more than 200,
# and between sign-ins. For both, an administrator of the tenant has to consent.
# Takes the role Application Developer of the tenant, or more. May be repeated.
set -eu

fail() {
    echo "$1" >&2
    exit 1
}

# A value of the azd environment, or of this one; empty where neither has it.
value() {
    eval "given=\${$1:-}"
    [ -n "$given" ] || given=$(azd env get-value "$1" 2> /dev/null) || given=
    echo "$given"
}

groups=
[ "${1:-}" != --groups ] || { groups=yes && shift; }
[ $# -ge 1 ] || fail "Give the public address of the registry: infra/entra.sh https://ballroom.example.org"
url=${1%/}
case $url in https://*) ;; *) fail "$url does not begin with https://, which Entra ID asks of an address to come back to." ;; esac

identity=$(value BALLROOM_IDENTITY_PRINCIPAL_ID)
[ -n "$identity" ] || fail "BALLROOM_IDENTITY_PRINCIPAL_ID is not in the azd environment. Run azd provision first, or azd env refresh if the registry is deployed."
environment=$(value AZURE_ENV_NAME)
name=${2:-Ballroom${environment:+ $environment}}
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

# Whom an application trusts as a registry; empty for nobody.
trusted() {
    az ad app federated-credential list --id "$1" --query "[?name=='ballroom'].subject" --output tsv
}

client=$(value BALLROOM_ENTRA_CLIENT_ID)
if [ -n "$client" ]; then
    az ad app show --id "$client" --query appId --output tsv > /dev/null ||
        fail "There is no application $client in this tenant, which BALLROOM_ENTRA_CLIENT_ID names. Sign in to its tenant, or, if it was deleted, run azd env set BALLROOM_ENTRA_CLIENT_ID '' and this again."
else
    # An application that trusts this registry was made by it.
    others=
    for each in $(az ad app list --filter "displayName eq '$name'" --query '[].appId' --output tsv); do
        if [ "$(trusted "$each")" = "$identity" ]; then client=$each; else others="$others $each"; fi
    done
    [ -n "$client" ] || [ -z "$others" ] ||
        fail "There is an application called $name,$others, that does not trust this registry: it belongs to another installation, or to somebody else. Nothing was changed. Name another one: infra/entra.sh $url \"$name 2\". If it is this registry's, run azd env set BALLROOM_ENTRA_CLIENT_ID ID and this again."
fi
if [ -z "$client" ]; then
    client=$(az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg --query appId --output tsv)
    # So that this run may be interrupted.
    azd env set BALLROOM_ENTRA_CLIENT_ID "$client"
fi

if [ -z "$(trusted "$client")" ]; then
    az ad app federated-credential create --id "$client" --parameters "@$folder/trust.json" > /dev/null
else
    az ad app federated-credential update --id "$client" --federated-credential-id ballroom \
        --parameters "@$folder/trust.json" > /dev/null
fi

az ad app update --id "$client" \
    --web-redirect-uris "$url/sign-in/callback/entra" \
    --requested-access-token-version 2 > /dev/null

# Without a service principal nobody of the tenant can sign in.
if [ -z "$(az ad sp list --filter "appId eq '$client'" --query '[0].id' --output tsv)" ]; then
    az ad sp create --id "$client" > /dev/null
fi

# User.Read.All of Microsoft Graph: whether people are enabled, which User.ReadBasic.All does not say.
access='{"id": "df021288-bdef-4463-88db-98f22de89214", "type": "Role"}'
# An earlier run may have asked for groups; a permission that was consented to stays.
asked=$(az ad app show --id "$client" --query "requiredResourceAccess[].resourceAccess[].id" --output tsv) || asked=
case $asked in *98830695-27a2-44f7-8c18-0c3ebc9698f6*) groups=yes ;; esac
if [ -n "$groups" ]; then
    # GroupMember.Read.All.
    access="$access, {\"id\": \"98830695-27a2-44f7-8c18-0c3ebc9698f6\", \"type\": \"Role\"}"
    az ad app update --id "$client" --set groupMembershipClaims=SecurityGroup > /dev/null
fi
cat > "$folder/graph.json" <<JSON
[{"resourceAppId": "00000003-0000-0000-c000-000000000000", "resourceAccess": [$access]}]
JSON
az ad app update --id "$client" --required-resource-accesses "@$folder/graph.json" > /dev/null
az ad app permission admin-consent --id "$client" ||
    echo "Ask an administrator of the tenant to run: az ad app permission admin-consent --id $client" >&2

azd env set BALLROOM_ENTRA_CLIENT_ID "$client"
echo "The registry is the application $client in Entra ID. Run: azd provision"
