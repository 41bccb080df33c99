"""Which snapshots are deleted: complete ones that are old, but for the newest, and those that were
left unfinished."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from shared.domain.snapshots import SnapshotManifest, snapshot_name
from shared.domain.times import MS

UNFINISHED_KEPT = timedelta(days=1)  # Longer than any snapshot takes.


def expired_snapshots(
    complete: Sequence[SnapshotManifest], *, kept_days: int, now_ms: int
) -> list[SnapshotManifest]:
    """Return those of the complete snapshots, given the newest first, that are older than they are
    kept; never the newest one."""
    oldest_kept_ms = now_ms - timedelta(days=kept_days) // MS
    return [each for each in complete[1:] if each.begun_ms < oldest_kept_ms]


def abandoned_snapshots(
    names: Iterable[str], complete: Iterable[SnapshotManifest], *, now_ms: int
) -> set[str]:
    """Return which of the names are of snapshots that nobody can be writing any more."""
    unfinished = set(names).difference(each.name for each in complete)
    oldest_written = snapshot_name(now_ms - UNFINISHED_KEPT // MS)
    return {name for name in unfinished if name < oldest_written}
