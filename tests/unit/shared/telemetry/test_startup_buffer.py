"""The libraries are loaded after the first request, and nothing is lost meanwhile."""

import threading
from collections.abc import Generator

import pytest

from shared.telemetry.metrics import (
    PUSHES,
    REQUESTS,
    Attributes,
    Instrument,
    is_recording,
    record_metric,
    set_backend,
)
from shared.telemetry.startup_buffer import MAX_BUFFERED_VALUES, StartupBuffer
from tests.support.logs import capture_logs
from tests.support.world import BASE, World

BOUND_SECONDS = 30


class Listening:
    """Keeps values, and says when it has so many."""

    def __init__(self, wanted: int = 1) -> None:
        self.values: list[float] = []
        self.complete = threading.Event()
        self._wanted = wanted

    def record(self, instrument: Instrument, value: float, attributes: Attributes) -> None:
        """Keep the value."""
        self.values.append(value)
        if len(self.values) == self._wanted:
            self.complete.set()


@pytest.fixture(autouse=True)
def quiet_again() -> Generator[None]:
    """Let nobody listen in other tests."""
    yield
    set_backend(None)


def test_early_records_are_exported_when_the_exporter_starts() -> None:
    listening = Listening(wanted=3)
    may_load = threading.Event()

    def load() -> Listening:
        may_load.wait(BOUND_SECONDS)
        return listening

    set_backend(StartupBuffer(load))
    for value in (1, 2):
        record_metric(PUSHES, value, {"state": "live"})
    assert listening.values == []
    record_metric(REQUESTS, 3, {"status": 204})
    may_load.set()
    assert listening.complete.wait(BOUND_SECONDS)
    assert listening.values == [1, 2, 3]


async def test_nothing_is_loaded_before_the_first_request_has_its_answer(world: World) -> None:
    """The calls of stores are recorded, too, and come first."""
    listening = Listening()
    instruments = list[Instrument]()
    loading = StartupBuffer(lambda: listening)

    class Noting:
        """Notes what was recorded before the loading began."""

        def record(self, instrument: Instrument, value: float, attributes: Attributes) -> None:
            loading.record(instrument, value, attributes)
            if not loading._loading.locked():
                instruments.append(instrument)

    set_backend(Noting())
    await world.http.get(f"{BASE}/packages/acme/none")
    assert listening.complete.wait(BOUND_SECONDS)
    assert instruments
    assert REQUESTS not in instruments


def test_the_exporter_starts_without_a_request_if_many_values_wait() -> None:
    listening = Listening()
    set_backend(StartupBuffer(lambda: listening))
    for value in range(MAX_BUFFERED_VALUES // 2):
        record_metric(PUSHES, value, {"state": "live"})
    assert listening.complete.wait(BOUND_SECONDS)


def test_libraries_that_cannot_be_loaded_are_logged_once_and_cost_nothing_later() -> None:
    def load() -> Listening:
        raise ImportError

    loading = StartupBuffer(load)
    set_backend(loading)
    with capture_logs() as events:
        loading.load()
    assert [each["event"] for each in events] == ["telemetry.failed"]
    assert not is_recording()


def test_the_buffer_is_bounded() -> None:
    listening = Listening()
    loading = StartupBuffer(lambda: listening)
    loading._loading.acquire()  # As if it were loading.
    for value in range(MAX_BUFFERED_VALUES + 10):
        loading.record(PUSHES, value, {"state": "live"})
    loading.load()
    assert listening.values == [*range(10, MAX_BUFFERED_VALUES + 10)]
