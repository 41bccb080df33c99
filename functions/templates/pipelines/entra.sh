set -eu
id_token=$(curl -fsS "${AZURE_AUTHORITY_HOST}${AZURE_TENANT_ID}/oauth2/v2.0/token" \
  -d grant_type=client_credentials -d "client_id=$AZURE_CLIENT_ID" \
  --data-urlencode "scope=$REGISTRY_APPLICATION/.default" \
  -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \
  --data-urlencode "client_assertion@$AZURE_FEDERATED_TOKEN_FILE" |
  sed 's/.*"access_token": *"\([^"]*\)".*/\1/')
answer=$(printf '{"org":"acme","token":"%s"}' "$id_token" |
  curl -sS --fail-with-body -H "Content-Type: application/json" --data @- \
    "$REGISTRY/api/v1/trusted-publishing/token") || { echo "$answer"; exit 1; }
token=$(printf '%s' "$answer" | sed 's/.*"token": *"\([^"]*\)".*/\1/')
mkdir -p "$HOME/.ballerina"
curl -fsS "$REGISTRY/api/v1/settings.toml" |
  sed "s/put-your-access-token-here/$token/" > "$HOME/.ballerina/Settings.toml"
bal push --repository=ballroom
