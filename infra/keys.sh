#!/bin/sh
# Keep the keys of a registry in its vault. `infra/keys.sh VAULT` makes those that are missing: the key that
# signs links and sessions and encrypts the keys of webhooks, the one that signs releases, the one of the transparency log, and the one of the
# witness of other logs, which a registry uses once BALLROOM_WITNESS_FOR is set.
#   infra/keys.sh VAULT rotate               a new key for links and sessions; the signatures of the one before
#                                            hold until the next rotation. Let the app run for ten minutes
#                                            between two: it encrypts the keys of webhooks with the new one
#   infra/keys.sh VAULT rotate-release-keys  a new key for releases; all that ever signed stay listed
#   infra/keys.sh VAULT rotate-log-key DAYS  a new key of the log; the one before signs as well for so many days
# A key goes from here to the vault; no deployment, log or argument has it.
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
how=${2:-}
days=${3:-}
case $how in
    '' | rotate | rotate-release-keys) ;;
    rotate-log-key)
        case $days in
            # To the shell, a number that begins with 0 is octal.
            '' | *[!0-9]* | 0?*) fail "Say for how many days the key before signs as well: infra/keys.sh VAULT rotate-log-key 90" ;;
        esac
        ;;
    *) fail "infra/keys.sh does not know ${how}: it takes rotate, rotate-release-keys, rotate-log-key DAYS, or nothing for the first keys." ;;
esac
vault=$1
secret=link-key
release_secret=release-keys
log_secret=log-keys
witness_secret=witness-keys

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
    grep -qx "$1" "$folder/answer"
}

store() {
    until_allowed az keyvault secret set --vault-name "$vault" --name "$1" --file "$folder/key" \
        --encoding utf-8 --output none
}

# What the vault holds, in $folder/answer.
read_key() {
    until_allowed az keyvault secret show --vault-name "$vault" --name "$1" --query value --output tsv
    grep -q . "$folder/answer" || fail "$vault holds $1 without a value. Nothing was changed."
}

# Store the lines of keys in $folder/key, of which each has the form $2.
store_lines() {
    ! grep -qvxE "$2" "$folder/key" || fail "What $vault holds as $1 cannot be read. Nothing was changed."
    store "$1"
}

fresh() {
    openssl rand -hex 32 > "$folder/fresh"
    grep -qxE '[0-9a-f]{64}' "$folder/fresh" || fail "openssl made no key. Nothing was changed."
}

now() {
    date -u +%Y-%m-%dT%H:%M:%SZ
}

# A line of release-keys: a new key of the curve P-256, as PKCS 8.
fresh_release_key() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:named_curve \
        -outform DER -out "$folder/fresh.der" 2> /dev/null || fail "openssl made no key. Nothing was changed."
    printf '%s private %s\n' "$(now)" "$(openssl base64 -A -in "$folder/fresh.der")"
}

# A line of log-keys or witness-keys: a new seed of Ed25519.
fresh_log_key() {
    seed=$(openssl rand -base64 32)
    [ "${#seed}" -eq 44 ] || fail "openssl made no key. Nothing was changed."
    printf '%s %s\n' "$(now)" "$seed"
}

# Make a secret unless it is there; $2 makes its first line.
first() {
    if find_key "$1"; then
        echo "$vault has $1."
        return
    fi
    # A deleted key keeps its name, and its signatures hold again once it is back.
    until_allowed az keyvault secret list-deleted --vault-name "$vault" --query "[].name" --output tsv
    ! grep -qx "$1" "$folder/answer" ||
        fail "The secret $1 of $vault was deleted and can be recovered for 90 days: az keyvault secret recover --vault-name $vault --name $1. It was not made again."
    $2 > "$folder/key"
    store "$1"
    echo "The first $1 is in $vault. The app finds it within a minute."
}

first_link_key() {
    fresh
    tr -d '\n' < "$folder/fresh"
}

rotate_link_key() {
    # The first of two signs, both verify; the one before these two ends here.
    read_key "$secret"
    cut -d, -f1 < "$folder/answer" | tr -d '\n' > "$folder/newest"
    fresh
    { tr -d '\n' < "$folder/fresh"; printf ,; cat "$folder/newest"; } > "$folder/key"
    store "$secret"
    echo "The new key is in $vault and signs in ten minutes, when every instance has read it."
}

rotate_release_keys() {
    read_key "$release_secret"
    fresh_release_key > "$folder/key"
    # The last key signs until every instance has read the new one. Of the others the public part stays.
    tr , '\n' < "$folder/answer" | grep . > "$folder/lines"
    head -n 1 "$folder/lines" >> "$folder/key"
    sed 1d "$folder/lines" | while read -r since kind key; do
        if [ "$kind" = private ]; then
            key=$(printf %s "$key" | openssl base64 -d -A | openssl pkey -inform DER -pubout -outform DER | openssl base64 -A)
            kind=public
        fi
        printf '%s %s %s\n' "$since" "$kind" "$key"
    done >> "$folder/key"
    store_lines "$release_secret" '[0-9TZ:-]+ (private|public) [A-Za-z0-9+/=]+'
    echo "The new key is in $vault and signs releases in ten minutes. /api/v1/keys lists it and all before it."
}

rotate_log_key() {
    read_key "$log_secret"
    ends=$(($(date -u +%s) + days * 86400))
    # GNU and BusyBox take a date as @SECONDS, macOS and BSD with -r.
    until=$(date -u -d "@$ends" +%Y-%m-%dT%H:%M:%SZ 2> /dev/null || date -u -r "$ends" +%Y-%m-%dT%H:%M:%SZ)
    fresh_log_key > "$folder/key"
    tr , '\n' < "$folder/answer" | grep . > "$folder/lines"
    while read -r since seed word end; do
        # A rotation prolongs no key; such times are in the order of their letters.
        if [ "$word" != until ] || [ "$(printf '%s\n%s\n' "$end" "$until" | sort | head -n 1)" != "$end" ]; then
            end=$until
        fi
        printf '%s %s until %s\n' "$since" "$seed" "$end"
    done < "$folder/lines" >> "$folder/key"
    store_lines "$log_secret" '[0-9TZ:-]+ [A-Za-z0-9+/=]+( until [0-9TZ:-]+)?'
    echo "The new key is in $vault. Both keys sign the log until $until; /log/policy names both."
}

if [ -z "$how" ]; then
    first "$secret" first_link_key
    first "$release_secret" fresh_release_key
    first "$log_secret" fresh_log_key
    # Another key than that of the log: a cosignature does not say whose it is.
    first "$witness_secret" fresh_log_key
    exit
fi
case $how in
    rotate) rotated=$secret ;;
    rotate-release-keys) rotated=$release_secret ;;
    *) rotated=$log_secret ;;
esac
find_key "$rotated" || fail "$vault has no $rotated yet. Make it first: infra/keys.sh $vault"
case $how in
    rotate) rotate_link_key ;;
    rotate-release-keys) rotate_release_keys ;;
    *) rotate_log_key ;;
esac
