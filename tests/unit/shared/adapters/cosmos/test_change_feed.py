"""Leases of the change feed whose write took effect without an answer."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from shared.adapters.cosmos.change_feed import CosmosChangeFeed
from shared.adapters.cosmos.client import CosmosDatabase
from shared.adapters.system import SystemRandomness
from shared.ports import Lease
from tests.fakes.cosmos.protocol import CosmosDouble, Request
from tests.fakes.cosmos.transport import DoubleTransport, Trouble
from tests.fakes.system import FakeClock
from tests.support.cloud_stores import CloudDouble

LEASES = "leases"
NAME = "change_feed.0-FF"


class Answers:
    """Loses the answers to the writes whose numbers it has."""

    def __init__(self) -> None:
        self.writes = 0
        self.lost = set[int]()

    def trouble(self, request: Request) -> Trouble | None:
        """Say whether the answer to a request is lost."""
        if request.method not in ("POST", "PUT"):
            return None
        self.writes += 1
        return Trouble.LOST_AFTER if self.writes in self.lost else None


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
async def feed(tmp_path: Path, answers: Answers) -> AsyncGenerator[CosmosChangeFeed]:
    def transport(double: CosmosDouble) -> DoubleTransport:
        return DoubleTransport(double, answers.trouble)

    place = CloudDouble(tmp_path, FakeClock(), transport=transport)
    feed = CosmosChangeFeed(CosmosDatabase(place.cosmos, SystemRandomness()))
    yield feed
    await feed.close()


@pytest.mark.parametrize("lost", [{1}, {2}, {1, 2, 3}])
async def test_a_lease_that_was_taken_without_an_answer_is_held(
    feed: CosmosChangeFeed, answers: Answers, lost: set[int]
) -> None:
    answers.lost = lost
    taken = await feed.take(LEASES, NAME, Lease("one", 1_000, ""))
    assert taken is not None
    renewed = await feed.take(LEASES, NAME, Lease("one", 2_000, "5", taken.version))
    assert renewed is not None
    assert (renewed.until_ms, renewed.after) == (2_000, "5")


async def test_a_lease_that_another_process_took_meanwhile_is_lost(
    feed: CosmosChangeFeed, answers: Answers
) -> None:
    taken = await feed.take(LEASES, NAME, Lease("one", 1_000, ""))
    assert taken is not None
    await feed.take(LEASES, NAME, Lease("two", 3_000, "", taken.version))
    answers.lost = {answers.writes + 1}
    assert await feed.take(LEASES, NAME, Lease("one", 2_000, "5", taken.version)) is None
