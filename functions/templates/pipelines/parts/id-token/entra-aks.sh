ID_TOKEN=$(curl -fsS --retry 5 --data grant_type=client_credentials \
  --data-urlencode client_id="$AZURE_CLIENT_ID" \
  --data client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \
  --data-urlencode client_assertion@"$AZURE_FEDERATED_TOKEN_FILE" \
  --data-urlencode scope=api://ballroom/.default \
  "${AZURE_AUTHORITY_HOST%/}/$AZURE_TENANT_ID/oauth2/v2.0/token" |
  sed 's/.*"access_token": *"//; s/".*//')
export ID_TOKEN
