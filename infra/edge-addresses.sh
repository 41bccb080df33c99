#!/bin/sh
# Learn which addresses Front Door calls from: `infra/edge-addresses.sh REGION`, before the infrastructure
# is made. The registry believes what they say of their callers (BALLROOM_TRUSTED_PROXIES); without them
# all callers have one address, and one limit. They change now and then, so each `azd provision` asks.
set -eu

[ $# -ge 1 ] && [ -n "$1" ] || { echo "Give a region: infra/edge-addresses.sh northeurope" >&2; exit 1; }

addresses=$(az network list-service-tags --location "$1" --output tsv \
    --query "join(',', values[?name=='AzureFrontDoor.Backend'].properties.addressPrefixes[])") || addresses=
# Who is signed out of az keeps those of the last time.
addresses=${addresses:-${BALLROOM_EDGE_ADDRESSES:-}}

if [ -z "$addresses" ]; then
    echo "Azure names no addresses of Front Door for $1. Set BALLROOM_EDGE_ADDRESSES by hand." >&2
    exit 1
fi
azd env set BALLROOM_EDGE_ADDRESSES "$addresses"
