"""The Function that follows the records copies packages of which it is told."""

from collections.abc import Mapping

import azure.functions as func
import pytest
from msgspec.structs import replace

from functions import timers
from shared.domain.errors.requests import Busy
from shared.hosting.triggers import ChangeFeedFunction, functions_of
from tests.support.logs import capture_logs
from tests.support.world import World

HEAD = {"id": "head", "kind": "head"}


class Copies:
    """Counts items as copied, or is busy."""

    def __init__(self, *, is_busy: bool = False) -> None:
        self.is_busy = is_busy

    async def follow(self, items: list[Mapping[str, object]]) -> int:
        """Take the items."""
        if self.is_busy:
            raise Busy
        return len(items)


def feeds_of(world: World, copies: Copies | None) -> list[ChangeFeedFunction]:
    """Return the Functions of a registry with these copies that follow the records."""
    app, registry = func.FunctionApp(), world.registry
    packages = replace(registry.packages, public_copies=copies)  # pyright: ignore[reportArgumentType]
    app.register_functions(timers.feed_blueprint(replace(registry, packages=packages)))
    return list(functions_of(app).feeds)


def batch(*items: Mapping[str, object]) -> func.DocumentList:
    return func.DocumentList([func.Document.from_dict(dict(each)) for each in items])


async def test_where_no_cdn_reads_copies_nothing_is_followed(world: World) -> None:
    assert feeds_of(world, None) == []


async def test_changes_are_copied_and_recorded(world: World) -> None:
    [function] = feeds_of(world, Copies())
    assert (function.name, function.container, function.leases, function.is_repeated) == (
        "feed_listings",
        "packages",
        "leases",
        True,
    )
    with capture_logs() as events:
        await function.call(batch(HEAD, HEAD))
    assert [(each["event"], each["copied"]) for each in events] == [("feed.copied", 2)]


async def test_a_change_that_fails_raises_so_that_the_host_repeats_it(world: World) -> None:
    [function] = feeds_of(world, Copies(is_busy=True))
    with pytest.raises(Busy):
        await function.call(batch(HEAD))
