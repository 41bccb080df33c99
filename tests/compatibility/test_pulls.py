"""Pulls that earlier code counted in the cloud: an item for each day."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.cloud import CloudStores, open_cloud
from shared.adapters.cosmos.client import DATABASE
from shared.adapters.system import SystemRandomness
from shared.ports.pull_ledger import Pull, PullHistory
from tests.contract.sample_records import GREET, coordinate, head
from tests.fakes.system import FakeClock
from tests.support.cloud_stores import CloudInMemory, double_of, forget
from tests.support.pulls import Process

WINDOW = 2_981_850
YESTERDAY = "2026-09-09"
TODAY = "2026-09-10"
KEY = '["acme/greet"]'


def old_day(day: str, version: str, pulls: int) -> dict[str, Any]:
    """Return an item that the roll-up wrote for each day of a version."""
    fields = {"schema": 1, "kind": "day", "version": version, "day": day, "pulls": pulls}
    return {"id": f"day:{version}:{day}", "pk": "acme/greet", **fields}


OLD_TOTAL = {
    "id": "total",
    "pk": "acme/greet",
    "kind": "total",
    "versions": {"1.0.0": 5, "2.0.0": 2},
    "months": {"2026-09": 7},
    "pulls": 7,
}
OLD_DAYS = (old_day(YESTERDAY, "1.0.0", 4), old_day(TODAY, "1.0.0", 1), old_day(TODAY, "2.0.0", 2))


@pytest.fixture
async def stores(scratch: Path) -> AsyncGenerator[CloudStores]:
    """Return the stores of a package that earlier code counted."""
    clock = FakeClock()
    place = CloudInMemory(scratch, clock)
    counts = double_of(scratch, clock).containers[DATABASE, "stats"]
    for item in (OLD_TOTAL, *OLD_DAYS):
        counts.create(KEY, item)
    opened = open_cloud(place, clock, SystemRandomness())
    await opened.metadata.claim(head("Acme/Greet"))
    yield opened
    await opened.close()
    forget(scratch)


async def test_what_was_rolled_up_is_shown_before_the_next_roll_up(stores: CloudStores) -> None:
    history = await stores.pulls.history(GREET, since=TODAY)
    assert history == PullHistory(
        {"1.0.0": 5, "2.0.0": 2}, {"2026-09": 7}, {TODAY: {"1.0.0": 1, "2.0.0": 2}}
    )


async def test_new_pulls_are_added_to_what_was_rolled_up(stores: CloudStores) -> None:
    new = Process().batch(Pull(coordinate("acme/greet:2.0.0"), TODAY))
    await stores.pulls.record(new)
    for _ in range(3):
        await stores.pulls.roll_up(before_window=WINDOW, today="2026-09-11")
    assert await stores.pulls.history(GREET, since=YESTERDAY) == PullHistory(
        {"1.0.0": 5, "2.0.0": 3},
        {"2026-09": 8},
        {YESTERDAY: {"1.0.0": 4}, TODAY: {"1.0.0": 1, "2.0.0": 3}},
    )
    assert await stores.pulls.daily(GREET) == {
        "1.0.0": {YESTERDAY: 4, TODAY: 1},
        "2.0.0": {TODAY: 3},
    }
    stored = await stores.metadata.head(GREET)
    assert stored is not None
    assert stored.pulls == 8
