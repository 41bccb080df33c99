"""The Function that follows the records brings to the searches what it is called with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import azure.functions as func
import pytest

from functions import change_feed
from shared.composition import create_registry
from shared.domain.errors.requests import Busy
from shared.hosting.triggers import ChangeFeedFunction, functions_of
from tests.support.logs import capture_logs
from tests.support.world import World

LISTING, HEAD = {"id": "listing", "kind": "listing"}, {"id": "head", "kind": "head"}


@dataclass
class Feed:
    """Keeps what it is brought, or is busy."""

    brought: list[Mapping[str, object]] = field(default_factory=list[Mapping[str, object]])
    is_busy: bool = False

    async def merge(self, items: Sequence[Mapping[str, object]]) -> int:
        """Take the items."""
        if self.is_busy:
            raise Busy
        self.brought += items
        return sum(each["kind"] == "listing" for each in items)

    async def catch_up(self) -> int:
        return 0

    async def rebuild(self) -> int:
        return 0


def feed_of(world: World, feed: Feed | None) -> list[ChangeFeedFunction]:
    """Return the Functions of a registry with that feed that follow the records."""
    app = func.FunctionApp()
    adapters = replace(world.registry.adapters, feed=feed)
    registry = create_registry(world.registry.settings, adapters)
    app.register_functions(change_feed.blueprint(registry))
    return list(functions_of(app).feeds)


def batch(*items: Mapping[str, object]) -> func.DocumentList:
    return func.DocumentList([func.Document.from_dict(dict(each)) for each in items])


async def test_where_searches_need_no_feed_nothing_is_followed(world: World) -> None:
    assert feed_of(world, None) == []


async def test_a_batch_that_failed_comes_again(world: World) -> None:
    [function] = feed_of(world, Feed())
    assert (function.name, function.container, function.leases, function.is_repeated) == (
        "feed_listings",
        "packages",
        "leases",
        True,
    )


async def test_changes_are_applied_and_recorded(world: World) -> None:
    feed = Feed()
    [function] = feed_of(world, feed)
    with capture_logs() as events:
        await function.call(batch(LISTING, HEAD))
        await function.call(batch(HEAD))
    assert feed.brought == [LISTING, HEAD, HEAD]
    assert [(each["event"], each["changed"]) for each in events] == [("feed.merged", 1)]


async def test_a_change_that_fails_raises_so_that_the_host_repeats_it(world: World) -> None:
    [function] = feed_of(world, Feed(is_busy=True))
    with pytest.raises(Busy):
        await function.call(batch(LISTING))
