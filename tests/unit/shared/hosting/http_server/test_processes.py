"""What comes before the first request comes in its order, and what stands in the way stops it."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.hosting.http_server.processes import (
    RestartDelays,
    ServerOptions,
    WorkerProcesses,
    require_usable,
    require_writable,
    serve,
)
from shared.hosting.http_server.server import Certificate, bind
from shared.hosting.requests import ASGIApp
from shared.hosting.triggers import StartRefused
from tests.support.logs import capture_logs
from tests.support.waiting import eventually_in_tasks


@dataclass
class Start:
    """Notes how far a start came."""

    steps: list[str] = field(default_factory=list[str])

    def prepare(self) -> None:
        self.steps.append("prepare")

    def interrupted(self) -> None:
        raise KeyboardInterrupt

    def announce(self) -> None:
        self.steps.append("announce")


def plan(folder: Path, **changes: object) -> ServerOptions:
    made = ServerOptions("127.0.0.1", 0, folder, build=_nothing, worker_command=_nobody)
    return replace(made, **changes)  # type: ignore[arg-type]


def _nothing() -> ASGIApp:
    pytest.fail("an application was made")


def _nobody(_descriptor: int) -> list[str]:
    pytest.fail("a worker was started")


def test_a_certificate_must_be_there_and_be_one(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="No such file"):
        require_usable(Certificate(tmp_path / "none.pem"))
    (tmp_path / "nonsense.pem").write_text("nonsense")
    with pytest.raises(StartRefused, match="BALLROOM_TLS_CERT and BALLROOM_TLS_KEY"):
        require_usable(Certificate(tmp_path / "nonsense.pem"))


def test_a_data_folder_is_made_only_for_its_owner(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "data"
    require_writable(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert not list(folder.iterdir())


def test_ctrl_c_in_the_first_start_ends_it_without_a_word(tmp_path: Path) -> None:
    start = Start()
    with pytest.raises(SystemExit, match="130") as ended:
        serve(plan(tmp_path), start.interrupted, start.announce)
    assert ended.value.__cause__ is None
    assert not start.steps


@pytest.mark.parametrize("wrong", ["certificate", "data"])
def test_nothing_is_prepared_for_a_certificate_or_folder_of_no_use(
    tmp_path: Path, wrong: str
) -> None:
    start = Start()
    file = tmp_path / "file"
    file.touch()
    changes = {"certificate": Certificate(file), "data": file / "data"}
    with pytest.raises(StartRefused):
        serve(plan(tmp_path, **{wrong: changes[wrong]}), start.prepare, start.announce)
    assert not start.steps


def test_nothing_is_announced_that_another_program_serves(tmp_path: Path) -> None:
    start = Start()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))

        def lose_the_race() -> None:
            start.prepare()
            other.listen()

        with pytest.raises(StartRefused):
            serve(plan(tmp_path, port=other.getsockname()[1]), lose_the_race, start.announce)
    assert start.steps == ["prepare"]


ENDS = "pass"
KILLED = "import os; os.kill(os.getpid(), 9)"
STUCK = "import time; time.sleep(3600)"


@dataclass
class Starts:
    """Says how to start a worker, and counts how often it is asked."""

    source: str
    descriptors: list[int] = field(default_factory=list[int])

    def command(self, descriptor: int) -> Sequence[str]:
        self.descriptors.append(descriptor)
        return [sys.executable, "-c", self.source]


@asynccontextmanager
async def keeping(
    starts: Starts, count: int, delays: RestartDelays
) -> AsyncGenerator[asyncio.Event]:
    stop = asyncio.Event()
    with bind("127.0.0.1", 0) as bound:
        keeping = asyncio.create_task(
            WorkerProcesses(starts.command, count, delays).keep(bound, stop)
        )
        try:
            yield stop
        finally:
            stop.set()
            await keeping


async def test_no_worker_is_started_while_the_pause_lasts() -> None:
    starts = Starts(ENDS)
    slow = RestartDelays(first_pause_seconds=3600)
    with capture_logs() as events:
        async with keeping(starts, 1, slow):
            await eventually_in_tasks(lambda: len(events) == 1)
    assert len(starts.descriptors) == 1


async def test_the_pause_after_a_failed_start_doubles() -> None:
    starts = Starts(ENDS)
    slow = RestartDelays(
        first_pause_seconds=2.0**-12, longest_pause_seconds=3600, starting_seconds=3600
    )
    with capture_logs():
        async with keeping(starts, 1, slow):
            await eventually_in_tasks(lambda: len(starts.descriptors) > 4)
    assert len(starts.descriptors) < 25  # The pause after so many is an hour.


@pytest.mark.parametrize(
    ("source", "starting_seconds"), [(KILLED, 3600.0), (ENDS, 0.0)], ids=["killed", "served"]
)
async def test_the_pause_after_the_end_of_a_worker_that_started_stays(
    source: str, starting_seconds: float
) -> None:
    starts = Starts(source)
    delays = RestartDelays(
        first_pause_seconds=0.001, longest_pause_seconds=3600, starting_seconds=starting_seconds
    )
    with capture_logs():
        async with keeping(starts, 1, delays):
            await eventually_in_tasks(
                lambda: len(starts.descriptors) > 25
            )  # Doubled, it would be an hour.


async def test_a_worker_that_does_not_end_is_killed() -> None:
    starts = Starts(STUCK)
    impatient = RestartDelays(grace_seconds=0.01)
    with capture_logs() as events:
        async with keeping(starts, 1, impatient):
            await eventually_in_tasks(lambda: len(starts.descriptors) == 1)
            await asyncio.sleep(0)
    assert [event["event"] for event in events] == ["worker.killed"]
    with pytest.raises(ProcessLookupError):
        os.kill(events[0]["pid"], 0)


async def test_a_worker_that_cannot_be_started_now_is_started_later(tmp_path: Path) -> None:
    program = tmp_path / "worker"
    asked = list[int]()

    def command(descriptor: int) -> Sequence[str]:
        asked.append(descriptor)
        if len(asked) == 2:
            program.symlink_to(sys.executable)
        return [str(program), "-c", STUCK]

    stop = asyncio.Event()
    workers = WorkerProcesses(command, 1, RestartDelays(first_pause_seconds=0.01, grace_seconds=0))
    with capture_logs() as events, bind("127.0.0.1", 0) as bound:
        keeping = asyncio.create_task(workers.keep(bound, stop))
        await eventually_in_tasks(lambda: len(asked) == 2 or keeping.done())
        stop.set()
        await keeping
    assert [each["event"] for each in events if each["event"] == "worker.not_started"]
    assert len(asked) == 2
