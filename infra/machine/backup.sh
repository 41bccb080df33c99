#!/bin/sh
# Back up the registry while it runs, and prove the backup by restoring it into a scratch folder.
#
# BALLROOM_BACKUPS names the folder of the backups, BALLROOM_BACKUPS_KEPT how many are kept. A backup
# gets its name only after the drill passed, so every folder with a date in its name can be restored.
set -eu
umask 077

backups=${BALLROOM_BACKUPS:-/var/backups/ballroom}
kept=${BALLROOM_BACKUPS_KEPT:-14}
# Words that run an operator's command.
operate=${BALLROOM_OPERATE:-${BALLROOM_PYTHON:-.venv/bin/python} -m shared.cli}
name=$(date -u +%Y%m%dT%H%M%SZ)
unproven=$backups/.unproven
drill=$backups/.drill

case $kept in
    '' | *[!0-9]* | 0*)
        echo "BALLROOM_BACKUPS_KEPT is '$kept'. Set it to how many backups to keep, 1 or more." >&2
        exit 2
        ;;
esac

mkdir -p "$backups"
# What an interrupted run left behind.
rm -rf "$unproven" "$drill"
trap 'rm -rf "$unproven" "$drill"' EXIT

$operate backup "$unproven"

echo "Restoring the backup into a scratch folder."
BALLROOM_DATA=$drill $operate restore "$unproven"
BALLROOM_DATA=$drill $operate doctor
# Reads every archive and compares it with its record.
BALLROOM_DATA=$drill $operate upkeep run audit-archives

mv "$unproven" "$backups/$name"
echo "The backup $backups/$name is complete and can be restored."

# With a slash behind it: the folder may be a link to another disk.
find "$backups/" -mindepth 1 -maxdepth 1 -type d -name '[0-9]*T[0-9]*Z' | sort | head -n "-$kept" \
    | while read -r old; do rm -rf "$old"; done
