"""The libraries are loaded after the first request, and nothing is lost meanwhile."""

import json
import subprocess
import sys
import threading
from collections.abc import Generator

import pytest
from structlog.testing import capture_logs

from shared.telemetry import recording
from shared.telemetry.catalog import PUSHES, Instrument
from shared.telemetry.loading import MOST_WAITING, Loading
from shared.telemetry.recording import Attributes, Part, Span
from shared.telemetry.tracing import Trace
from tests.paths import ROOT

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

    def begin(self, name: str, part: Part, parent: Trace | None) -> Span | None:
        """Begin nothing."""


@pytest.fixture(autouse=True)
def quiet_again() -> Generator[None]:
    """Let nobody listen in other tests."""
    yield
    recording.listen(None)


def test_what_is_told_first_is_told_again_when_somebody_listens() -> None:
    listening, may_load = Listening(wanted=3), threading.Event()

    def load() -> Listening:
        may_load.wait(BOUND_SECONDS)
        return listening

    recording.listen(Loading(load))
    assert recording.begin("any", Part.SERVED, None) is None
    for value in (1, 2):
        recording.record(PUSHES, value, {"state": "live"})
    assert listening.values == []
    recording.record(PUSHES, 3, {"state": "live"})
    may_load.set()
    assert listening.complete.wait(BOUND_SECONDS)
    assert listening.values == [1, 2, 3]


def test_nothing_is_loaded_before_the_first_request_has_its_answer() -> None:
    recording.listen(Loading(Listening))
    assert [each.name for each in threading.enumerate() if each.name == "telemetry"] == []


def test_what_cannot_be_loaded_is_logged_once_and_costs_nothing_from_then_on() -> None:
    def load() -> Listening:
        raise ImportError

    loading = Loading(load)
    recording.listen(loading)
    with capture_logs() as events:
        loading.load()
    assert [each["event"] for each in events] == ["telemetry.failed"]
    assert not recording.is_heard()


def test_what_waits_is_bounded() -> None:
    listening = Listening()
    loading = Loading(lambda: listening)
    loading._starting.acquire()  # As if it were loading.
    for value in range(MOST_WAITING + 10):
        loading.record(PUSHES, value, {"state": "live"})
    loading.load()
    assert listening.values == [*range(10, MOST_WAITING + 10)]


PROGRAM = """
import sys, json
import function_app
theirs = ("opentelemetry", "azure.monitor")
print(json.dumps([name for name in sys.modules if name.startswith(theirs)]))
"""


def test_the_app_starts_without_the_libraries_where_telemetry_is_wanted_too(
    tmp_path: object,
) -> None:
    wanted = "InstrumentationKey=00000000-0000-0000-0000-000000000000"
    environment = {
        "BALLROOM_DATA": str(tmp_path),
        "APPLICATIONINSIGHTS_CONNECTION_STRING": wanted,
    }
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert json.loads(ran.stdout) == []
