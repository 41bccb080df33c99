: "${ACTIONS_ID_TOKEN_REQUEST_URL:?Add the permission id-token: write to this job}"
printf 'Authorization: Bearer %s' "$ACTIONS_ID_TOKEN_REQUEST_TOKEN" > "$work/request"
ID_TOKEN=$(send -H "@$work/request" \
  "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=$REGISTRY" | sed 's/.*"value": *"\([^"]*\)".*/\1/')
