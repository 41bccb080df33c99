#!/bin/sh
# Copy all archives, documents, snapshots and the transparency log to another storage account: `infra/copy.sh SOURCE TARGET`, both
# names of accounts. It can be run again, and copies what is new; it deletes nothing there. It needs azcopy,
# `az login`, Storage Blob Data Reader on the source and Storage Blob Data Contributor on the target.
set -eu

[ $# -eq 2 ] || { echo "Give two storage accounts: infra/copy.sh \"\$BALLROOM_STORAGE\" elsewhere" >&2; exit 1; }

export AZCOPY_AUTO_LOGIN_TYPE="${AZCOPY_AUTO_LOGIN_TYPE:-AZCLI}"

# The log first: its files may be older than the records, from which they are written again, and not newer.
# Then snapshots: what they name is in the archives, which are copied after them. Archives are copied twice,
# since one that becomes public meanwhile moves from `private`, and could be in neither when that is copied.
for container in transparency backups archives private archives derived; do
    azcopy sync "https://$1.blob.core.windows.net/$container" "https://$2.blob.core.windows.net/$container"
done
