#!/bin/sh
# Keep the key that signs links and sessions: `infra/keys.sh VAULT` makes the first one where there is
# none, `infra/keys.sh VAULT rotate` makes a new one and keeps the one before it, whose signatures hold
# until the next rotation. A key goes from here to the vault; no deployment, log or argument has it.
#
# A role takes up to ten minutes to count, so what is refused is tried again for as long; PAUSE and
# PATIENCE in the environment are the seconds between two tries and of all of them.
set -eu
umask 077

pause=${PAUSE:-15}
patience=${PATIENCE:-600}

fail() {
    echo "$1" >&2
    exit 1
}

[ $# -ge 1 ] && [ -n "$1" ] || fail "Give the name of the vault: infra/keys.sh \"\$(azd env get-value BALLROOM_VAULT)\""
case ${2:-} in
    '' | rotate) ;;
    *) fail "infra/keys.sh does not know ${2}: it takes rotate, or nothing for the first key." ;;
esac
vault=$1
secret=link-key

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Whether the vault said no for want of a role, and not because it is in a network of its own.
is_refused() {
    grep -qiE 'forbidden|authorizationfailed|not authorized' "$folder/trouble" \
        && ! grep -qiE 'ForbiddenBy(Connection|Firewall)|public network access|client address' "$folder/trouble"
}

# Run a command until it succeeds; its output is in $folder/answer.
waited=0
until_allowed() {
    while ! "$@" > "$folder/answer" 2> "$folder/trouble"; do
        if ! is_refused; then
            cat "$folder/trouble" >&2
            fail "$vault did not answer, so nothing was changed. Mend that, and run infra/keys.sh again."
        fi
        if [ "$waited" -ge "$patience" ]; then
            cat "$folder/trouble" >&2
            fail "$vault still refuses you after $patience seconds. You need the role Key Vault Secrets Officer in it, which azd provision --no-state gives to whoever runs it, or to the group of BALLROOM_OPERATOR_GROUP. Nothing was changed."
        fi
        [ "$waited" -gt 0 ] || echo "$vault refuses you. A new role takes up to ten minutes to count; waiting." >&2
        sleep "$pause"
        waited=$((waited + pause))
    done
}

# Which secrets there are. A vault that does not answer has not said that there is none.
find_key() {
    until_allowed az keyvault secret list --vault-name "$vault" --query "[].name" --output tsv
    grep -qx "$secret" "$folder/answer"
}

store() {
    until_allowed az keyvault secret set --vault-name "$vault" --name "$secret" --file "$folder/key" \
        --encoding utf-8 --output none
}

fresh() {
    openssl rand -hex 32 > "$folder/fresh"
    grep -qxE '[0-9a-f]{64}' "$folder/fresh" || fail "openssl made no key. Nothing was changed."
}

if ! find_key; then
    # A deleted key keeps its name, and its signatures hold again once it is back.
    until_allowed az keyvault secret list-deleted --vault-name "$vault" --query "[].name" --output tsv
    ! grep -qx "$secret" "$folder/answer" ||
        fail "The key of $vault was deleted and can be recovered for 90 days: az keyvault secret recover --vault-name $vault --name $secret. Nothing was changed."
    fresh
    tr -d '\n' < "$folder/fresh" > "$folder/key"
    store
    echo "The first key is in $vault. The app finds it within a minute."
elif [ "${2:-}" = rotate ]; then
    # The first of two signs, both verify; the one before these two ends here.
    until_allowed az keyvault secret show --vault-name "$vault" --name "$secret" --query value --output tsv
    cut -d, -f1 < "$folder/answer" | tr -d '\n' > "$folder/newest"
    [ -s "$folder/newest" ] || fail "$vault holds $secret without a value. Nothing was changed."
    fresh
    { tr -d '\n' < "$folder/fresh"; printf ,; cat "$folder/newest"; } > "$folder/key"
    store
    echo "The new key is in $vault and signs in ten minutes, when every instance has read it."
else
    echo "$vault has a key."
fi
