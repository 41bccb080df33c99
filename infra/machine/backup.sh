#!/bin/sh
# Back up the registry while it runs, and prove the backup by restoring it into a scratch folder.
#
# BALLROOM_BACKUPS names the folder of the backups, BALLROOM_BACKUPS_KEPT how many are kept. A backup
# gets its name only after it was restored, so every folder with a date in its name can be restored.
# What doctor or the audit of the archives find wrong costs no backup: it is written beside it, to
# a file of the same name with .problems. The newest backup without problems is never deleted.
#
# On Sundays, and every night until one has found nothing wrong, it also runs `ballroom drill`, which
# restores the newest backup once more, measures it, and records the result in the registry.
set -eu
umask 077

backups=${BALLROOM_BACKUPS:-/var/backups/ballroom}
kept=${BALLROOM_BACKUPS_KEPT:-14}
# Words that run an operator's command.
operate=${BALLROOM_OPERATE:-${BALLROOM_PYTHON:-.venv/bin/python} -m shared.cli}
name=$(date -u +%Y%m%dT%H%M%SZ)
unproven=$backups/.unproven
drill=$backups/.drill
drilled=$backups/.drilled

case $kept in
    '' | *[!0-9]* | 0*)
        echo "BALLROOM_BACKUPS_KEPT is '$kept'. Set it to how many backups to keep, 1 or more." >&2
        exit 2
        ;;
esac

mkdir -p "$backups" || {
    echo "The folder $backups cannot be made. Make it, or set BALLROOM_BACKUPS to another one." >&2
    exit 1
}
# One run at a time, which holds the lock of the folder until it ends. Some file systems lock no folder
# (then flock says so and ends with another number), and some systems have no flock.
exec 9<"$backups"
if command -v flock >/dev/null; then
    flock -n 9 || [ $? -ne 1 ] || {
        echo "Another run backs up to $backups. Nothing was done: wait until it has ended." >&2
        exit 1
    }
fi
# The list of revocations beside a backup: it tells older ones what was removed and locked since.
list=.revocations.jsonl
# What an interrupted run left behind.
rm -rf "$unproven" "$unproven.partial" "$unproven$list" "$drill" "$drill.partial"
trap 'rm -rf "$unproven" "$unproven.partial" "$unproven$list" "$drill" "$drill.partial"' EXIT

$operate backup "$unproven"

echo "Restoring the backup into a scratch folder."
# The audit below reads the archives.
BALLROOM_DATA=$drill $operate restore --skip-archives "$unproven"
problems=
check() {
    # A command that finds a problem prints it, and ends with 1.
    found=$(BALLROOM_DATA=$drill $operate "$@" 2>&1) || problems=$problems$found$newline
    echo "$found"
}
newline='
'
check doctor --of-copy
# Reads every archive and compares it with its record.
check upkeep run audit-archives

if [ "$problems" ]; then
    printf '%s' "$problems" >"$backups/$name.problems" || true
    echo "The backup has problems, which $backups/$name.problems names." >&2
fi
if [ -e "$unproven$list" ]; then mv "$unproven$list" "$backups/$name$list"; fi
mv "$unproven" "$backups/$name"
sync # Before an older backup is deleted.
echo "The backup $backups/$name is complete and can be restored."

if [ "$(date -u +%u)" = 7 ] || [ ! -e "$drilled" ]; then
    rm -f "$drilled"
    if result=$($operate drill "$backups" 2>&1); then
        touch "$drilled"
    else
        printf '%s\n' "$result" >>"$backups/$name.problems" || true
        echo "The recovery drill found problems, which $backups/$name.problems names." >&2
    fi
    echo "$result"
fi

# The backups, the oldest first. One from a later time than this one was made before the clock was set
# back, so it is older than all others.
dated() {
    # With a slash behind it: the folder may be a link to another disk.
    find "$backups/" -mindepth 1 -maxdepth 1 -type d -name '[0-9]*T[0-9]*Z' | sort |
        awk -v now="$name" '
            { time = $0; sub(/.*\//, "", time) }
            time > now { print; next }
            { rest = rest $0 "\n" }
            END { printf "%s", rest }'
}
whole=$(dated | while read -r each; do
    [ -e "$each.problems" ] || echo "$each"
done | tail -n 1)
dated | head -n "-$kept" | while read -r old; do
    [ "$old" = "$whole" ] || rm -rf "$old" "$old.problems" "$old$list"
done
