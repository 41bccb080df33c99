"""Which snapshots are deleted."""

from datetime import timedelta

from shared.domain.snapshot_retention import (
    UNFINISHED_KEPT,
    abandoned_snapshots,
    expired_snapshots,
)
from shared.domain.snapshots import SnapshotManifest, snapshot_name
from shared.domain.times import MS

NOW = 1_800_000_000_000
DAY = timedelta(days=1) // MS


def snapshot(begun_ms: int) -> SnapshotManifest:
    name = snapshot_name(begun_ms)
    return SnapshotManifest(name=name, begun_ms=begun_ms, ended_ms=begun_ms + 1, parts=())


def test_snapshots_older_than_they_are_kept_expire() -> None:
    newest, on_the_day, older, oldest = (
        snapshot(NOW - age) for age in (0, 30 * DAY, 30 * DAY + 1, 90 * DAY)
    )
    complete = [newest, on_the_day, older, oldest]
    assert expired_snapshots(complete, kept_days=30, now_ms=NOW) == [older, oldest]


def test_the_newest_snapshot_never_expires() -> None:
    newest = snapshot(NOW - 90 * DAY)
    older = snapshot(NOW - 91 * DAY)
    assert expired_snapshots([newest, older], kept_days=30, now_ms=NOW) == [older]
    assert expired_snapshots([newest], kept_days=30, now_ms=NOW) == []
    assert expired_snapshots([], kept_days=30, now_ms=NOW) == []


def test_unfinished_snapshots_are_abandoned_after_a_day() -> None:
    kept_ms = UNFINISHED_KEPT // MS
    complete = snapshot(NOW - 2 * kept_ms)
    being_written = snapshot_name(NOW - kept_ms)
    abandoned = snapshot_name(NOW - kept_ms - 1)
    names = [complete.name, being_written, abandoned]
    assert abandoned_snapshots(names, [complete], now_ms=NOW) == {abandoned}
