: "${SYSTEM_ACCESSTOKEN:?Add SYSTEM_ACCESSTOKEN: \$(System.AccessToken) to env of this step}"
printf 'Authorization: Bearer %s' "$SYSTEM_ACCESSTOKEN" > "$work/request"
ID_TOKEN=$(send -X POST -H "Content-Length: 0" -H "@$work/request" \
  "$SYSTEM_OIDCREQUESTURI?api-version=7.1" |
  sed 's/.*"oidcToken": *"\([^"]*\)".*/\1/')
