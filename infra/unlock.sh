#!/bin/sh
# Take the locks off the stores and the vault: `infra/unlock.sh GROUP`, before a role or a container in them, or
# one of them, is to be deleted. `azd provision --no-state` puts them on again where the parameter `locks` is true.
set -eu

[ $# -ge 1 ] && [ -n "$1" ] || { echo "Give a resource group: infra/unlock.sh \"\$AZURE_RESOURCE_GROUP\"" >&2; exit 1; }

# Locks of other names were made by somebody else.
locks=$(az lock list --resource-group "$1" --query "[?name=='ballroom'].id" --output tsv)
for lock in $locks; do
    az lock delete --ids "$lock"
done
