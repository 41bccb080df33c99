: "${ACTIONS_ID_TOKEN_REQUEST_URL:?Add the permission id-token: write to this job}"
ID_TOKEN=$(send -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
  "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=$REGISTRY" | sed 's/.*"value": *"\([^"]*\)".*/\1/')
