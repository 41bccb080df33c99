finish() { # The token ends with the job, after a failure too.
  [[report]]
  test ! -s "$work/token" ||
    send -X DELETE -H "@$work/token" "$REGISTRY/api/v1/trusted-publishing/token" || true
  rm -rf "$work"
}
trap finish EXIT
[[id-token]]
[[requested-id-token]]
printf '{"org":"acme","token":"%s"}' "$ID_TOKEN" > "$work/id-token"
token=$(send -H "Accept: text/plain" -H "Content-Type: application/json" \
  --data "@$work/id-token" "$REGISTRY/api/v1/trusted-publishing/token")
