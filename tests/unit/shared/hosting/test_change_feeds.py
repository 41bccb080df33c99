"""Changes are handed to Functions in batches, by one process of all."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import azure.functions as func
import pytest
from msgspec.structs import replace

from shared.domain.errors.requests import Busy
from shared.hosting.change_feeds import LEASE_MS, ChangeFeeds
from shared.hosting.triggers import ChangeFeedFunction, StartRefused, functions_of
from shared.ports import Lease
from tests.fakes.system import FakeClock
from tests.support.logs import capture_logs

CONTAINER, LEASES = "packages", "leases"


@dataclass
class Source:
    """Changes of two ranges, in memory."""

    kept: dict[str, list[str]] = field(default_factory=lambda: {"0-1": [], "1-2": []})
    leases: dict[str, Lease] = field(default_factory=dict[str, Lease])
    fails: Exception | None = None

    async def ranges(self, container: str) -> list[str]:
        if self.fails is not None:
            raise self.fails
        assert container == CONTAINER
        return list(self.kept)

    async def changes(
        self, container: str, range_: str, after: str, most: int
    ) -> tuple[list[Mapping[str, object]], str]:
        """Return what follows the place."""
        assert container == CONTAINER
        ids = self.kept[range_]
        start = int(after) if after else len(ids)
        found = ids[start : start + most]
        return [{"id": id_} for id_ in found], str(start + len(found))

    async def lease(self, container: str, name: str) -> Lease | None:
        assert container == LEASES
        return self.leases.get(name)

    async def take(self, container: str, name: str, lease: Lease) -> Lease | None:
        """Store the lease, unless it was stored since."""
        assert container == LEASES
        known = self.leases.get(name)
        if (known.version if known else "") != lease.version:
            return None
        self.leases[name] = replace(lease, version=f"{int(lease.version or 0) + 1}")
        return self.leases[name]


@dataclass
class Calls:
    """A Function that keeps what it is called with, and fails as often as it is told to."""

    batches: list[list[str]] = field(default_factory=list[list[str]])
    failures: int = 0

    async def __call__(self, batch: func.DocumentList) -> None:
        """Take a batch."""
        if self.failures:
            self.failures -= 1
            message = "told to fail"
            raise ValueError(message)
        self.batches.append([each["id"] for each in batch])


def function(calls: Calls, **more: bool | int) -> ChangeFeedFunction:
    known = ChangeFeedFunction("feed", CONTAINER, LEASES, calls, is_repeated=True)
    return replace(known, **more)


def feeds(source: Source, owner: str = "one", clock: FakeClock | None = None) -> ChangeFeeds:
    return ChangeFeeds([], source, clock or FakeClock(), owner)


async def started(source: Source, function: ChangeFeedFunction) -> ChangeFeeds:
    """Return who has read what there was before: the feed begins with what changes from now on."""
    following = feeds(source)
    assert not await following.poll(function)
    return following


async def test_changes_before_the_first_start_are_not_delivered() -> None:
    source, calls = Source({"0-1": ["old"]}), Calls()
    following = await started(source, function(calls))
    source.kept["0-1"].append("new")
    assert await following.poll(function(calls))
    assert calls.batches == [["new"]]


async def test_changes_of_every_range_come_once_and_in_batches() -> None:
    source, calls = Source(), Calls()
    following = await started(source, function(calls, most=2))
    source.kept["0-1"] += ["a", "b", "c"]
    source.kept["1-2"] += ["x"]
    while await following.poll(function(calls, most=2)):
        pass
    assert calls.batches == [["a", "b"], ["x"], ["c"]]


async def test_a_batch_whose_function_failed_comes_again() -> None:
    source, calls = Source(), Calls(failures=2)
    following = await started(source, function(calls))
    source.kept["0-1"].append("a")
    with capture_logs() as logs:
        assert [await following.poll(function(calls)) for _ in range(4)] == [0, 0, 1, 0]
    assert calls.batches == [["a"]]
    assert [each["event"] for each in logs] == ["function.failed"] * 2


async def test_without_a_policy_of_repeats_a_batch_that_failed_is_passed_over() -> None:
    source, calls = Source(), Calls(failures=1)
    once = function(calls, is_repeated=False)
    following = await started(source, once)
    source.kept["0-1"].append("a")
    with capture_logs():
        await following.poll(once)
    source.kept["0-1"].append("b")
    await following.poll(once)
    assert calls.batches == [["b"]]


async def test_one_process_of_all_reads_a_range() -> None:
    source, calls = Source(), Calls()
    await started(source, function(calls))
    source.kept["0-1"].append("a")
    assert not await feeds(source, "two").poll(function(calls))
    assert calls.batches == []


async def test_another_process_goes_on_where_one_died() -> None:
    source, calls, clock = Source(), Calls(), FakeClock()
    following = await started(source, function(calls))
    source.kept["0-1"].append("a")
    await following.poll(function(calls))
    source.kept["0-1"].append("b")
    clock.advance(timedelta(milliseconds=LEASE_MS))
    assert await feeds(source, "two", clock).poll(function(calls))
    assert calls.batches == [["a"], ["b"]]
    # The first one was only slow, and finds that it is not its turn.
    assert not await following.poll(function(calls))


@pytest.mark.parametrize(
    ("failure", "event"), [(Busy(), "feed.unread"), (KeyError("pk"), "feed.failed")]
)
async def test_a_feed_is_followed_until_it_ends_and_through_troubles(
    failure: Exception, event: str
) -> None:
    source, calls, slept = Source(), Calls(), list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        source.fails = failure if len(slept) == 2 else None
        source.kept["0-1"].append(f"n{len(slept)}")
        if len(slept) == 5:
            await asyncio.Event().wait()

    following = ChangeFeeds([function(calls)], source, FakeClock(), "one", sleep)
    with capture_logs() as logs:
        task = asyncio.create_task(following.run())
        async with asyncio.timeout(30):
            while len(slept) < 5:
                await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert calls.batches == [["n1"], ["n2", "n3"], ["n4"]]
    assert slept == [5.0] * 5
    assert [each["event"] for each in logs] == [event]


# --- reading decorators ------------------------------------------------------------------------


async def following(documents: func.DocumentList) -> None:
    """Be a Function that follows a feed."""


def app_with(*, made: bool = False, repeated: bool = True) -> func.FunctionApp:
    app = func.FunctionApp()
    triggered = app.cosmos_db_trigger(
        arg_name="documents",
        connection="COSMOS",
        database_name="ballroom",
        container_name=CONTAINER,
        lease_container_name=LEASES,
        create_lease_container_if_not_exists=made,
        feed_poll_delay=2_000,
        max_items_per_invocation=7,
    )(following)
    if repeated:
        app.retry(strategy="fixed_delay", max_retry_count="-1", delay_interval="00:00:01")(
            triggered
        )
    return app


@pytest.mark.parametrize("repeated", [True, False])
def test_a_function_says_what_it_follows_and_how(*, repeated: bool) -> None:
    [found] = functions_of(app_with(repeated=repeated)).feeds
    assert (found.name, found.container, found.leases) == ("following", CONTAINER, LEASES)
    assert (found.poll_seconds, found.most, found.is_repeated) == (2.0, 7, repeated)


def test_a_function_that_would_make_containers_is_refused() -> None:
    with pytest.raises(StartRefused, match="templates"):
        functions_of(app_with(made=True))
