: "${SYSTEM_ACCESSTOKEN:?Add SYSTEM_ACCESSTOKEN: \$(System.AccessToken) to env of this step}"
ID_TOKEN=$(send -X POST -H "Content-Length: 0" \
  -H "Authorization: Bearer $SYSTEM_ACCESSTOKEN" "$SYSTEM_OIDCREQUESTURI?api-version=7.1" |
  sed 's/.*"oidcToken": *"\([^"]*\)".*/\1/')
