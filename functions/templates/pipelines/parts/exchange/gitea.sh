trap 'rm -rf "$work"' EXIT
token=${BALLROOM_TOKEN:?Store an access token of the registry as the secret BALLROOM_TOKEN}
