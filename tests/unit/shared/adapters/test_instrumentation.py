"""Whoever asks a store is told nothing new; whoever listens is."""

import asyncio

import pytest

from shared.adapters.instrumentation import instrumented, instrumented_store
from shared.domain.errors.requests import Busy
from shared.ports.conflicts import Stale
from shared.services.adapters import Adapters
from shared.telemetry.activities import Activity
from shared.telemetry.metrics import STORE_CALLS
from tests.support.port_doubles import NOT_STORES, STORES
from tests.support.telemetry import collect_metrics
from tests.support.world import World


class Store:
    """A store with one operation of each kind."""

    async def find(self, key: str, *, twice: str = "") -> str:
        """Return what is asked for."""
        return key + twice

    async def fail(self, error: Exception) -> None:
        raise error


async def test_calls_are_counted_for_what_is_being_done() -> None:
    store = instrumented_store("metadata", Store, Store())
    assert await store.find("before") == "before"
    activity = Activity.begin()
    assert await asyncio.gather(store.find("a"), store.find("b", twice="b")) == ["a", "bb"]
    with pytest.raises(Stale):
        await store.fail(Stale())
    assert activity.log_fields() == {"calls": {"metadata.find": 2, "metadata.fail": 1}}


@pytest.mark.parametrize(
    ("error", "outcome"), [(Busy(), "Busy"), (Stale(), "Stale"), (RuntimeError(), "broken")]
)
async def test_the_outcome_of_a_call_is_recorded(error: Exception, outcome: str) -> None:
    store = instrumented_store("metadata", Store, Store())
    with collect_metrics() as metrics:
        Activity.begin()
        await store.find("a")
        with pytest.raises(type(error)):
            await store.fail(error)
        found, failed = sorted(
            metrics.points(STORE_CALLS), key=lambda each: -len(each["operation"])
        )
    shown = {(each["operation"], each["outcome"], each["count"]) for each in (found, failed)}
    assert shown == {("find", "answered", 1), ("fail", outcome, 1)}


async def test_every_adapter_is_observed_or_is_no_store(world: World) -> None:
    stores = instrumented(world.stores)
    names = set(Adapters.__struct_fields__)
    kept = {each for each in names if getattr(stores, each) is getattr(world.stores, each)}
    assert (names - kept, kept) == ({*STORES}, NOT_STORES)
