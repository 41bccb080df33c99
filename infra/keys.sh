#!/bin/sh
# Keep the key that signs links and sessions: `infra/keys.sh VAULT` makes the first one where there is
# none, `infra/keys.sh VAULT rotate` makes a new one and keeps the one before it, whose signatures hold
# until the next rotation. A key goes from here to the vault; no deployment, log or argument has it.
set -eu
umask 077

fail() {
    echo "$1" >&2
    exit 1
}

[ $# -ge 1 ] && [ -n "$1" ] || fail "Give the name of the vault: infra/keys.sh \"\$(azd env get-value BALLROOM_VAULT)\""
vault=$1
secret=link-key

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fresh() { openssl rand -hex 32; }

exists() { [ -n "$(az keyvault secret list --vault-name "$vault" --query "[?name=='$secret'].name" --output tsv)" ]; }

store() {
    az keyvault secret set --vault-name "$vault" --name "$secret" --file "$folder/key" --encoding utf-8 --output none
}

if ! exists; then
    printf %s "$(fresh)" > "$folder/key"
    store
    echo "The first key is in $vault."
elif [ "${2:-}" = rotate ]; then
    # The first of two signs, both verify; the one before these two ends here.
    newest=$(az keyvault secret show --vault-name "$vault" --name "$secret" --query value --output tsv | cut -d, -f1)
    printf '%s,%s' "$(fresh)" "$newest" > "$folder/key"
    store
    echo "A new key signs when the app starts next: az functionapp restart"
else
    echo "$vault has a key."
fi
