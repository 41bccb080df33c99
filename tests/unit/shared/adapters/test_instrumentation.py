"""Whoever asks a store is told nothing new; whoever listens is."""

import asyncio
from typing import Any

import pytest

from shared.adapters.instrumentation import InstrumentedStore, instrumented
from shared.domain.errors.requests import Busy
from shared.ports import Stale
from shared.telemetry.metrics import STORE_CALLS
from shared.telemetry.recording import Activity, SpanOrigin
from tests.support.telemetry import hearing
from tests.support.world import World


class Store:
    """A store with one operation of each kind."""

    name = "a fact"

    async def find(self, key: str, *, twice: str = "") -> str:
        """Return what is asked for."""
        return key + twice

    async def fail(self, error: Exception) -> None:
        raise error

    def path(self) -> str:
        """Return something at once."""
        return "path"


def test_attributes_that_are_not_calls_pass_through() -> None:
    store: Any = InstrumentedStore("metadata", Store())
    assert (store.name, store.path()) == ("a fact", "path")
    with pytest.raises(AttributeError):
        store.nothing  # noqa: B018 - that it is asked for is the point.


async def test_calls_are_counted_for_what_is_being_done() -> None:
    store: Any = InstrumentedStore("metadata", Store())
    assert await store.find("before") == "before"
    activity = Activity.begin("central_pull", SpanOrigin.SERVED)
    assert await asyncio.gather(store.find("a"), store.find("b", twice="b")) == ["a", "bb"]
    with pytest.raises(Stale):
        await store.fail(Stale())
    assert activity.log_fields() == {"calls": {"metadata.find": 2, "metadata.fail": 1}}


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(Busy(), "Busy"), (Stale(), "Stale"), (RuntimeError(), "broken")],
)
async def test_the_outcome_of_a_call_is_recorded(error: Exception, outcome: str) -> None:
    store: Any = InstrumentedStore("metadata", Store())
    with hearing() as heard:
        Activity.begin("central_pull", SpanOrigin.SERVED)
        await store.find("a")
        with pytest.raises(type(error)):
            await store.fail(error)
        found, failed = sorted(heard.points(STORE_CALLS), key=lambda each: -len(each["operation"]))
        assert [span.name for span in heard.spans] == ["metadata.find", "metadata.fail"]
    shown = {(each["operation"], each["outcome"], each["count"]) for each in (found, failed)}
    assert shown == {("find", "answered", 1), ("fail", outcome, 1)}


async def test_every_store_of_a_world_is_observed(world: World) -> None:
    activity = Activity.begin("any", SpanOrigin.SERVED)
    stores = instrumented(world.stores)
    await stores.metadata.packages("", 1)
    await stores.events.since(0, 1)
    assert [*activity.calls] == ["metadata.packages", "events.since"]
