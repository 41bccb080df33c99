"""The host as processes: how it starts, what it survives, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.paths import ROOT
from tests.support.processes import free_port
from tests.support.storage import one_machine
from tests.support.waiting import BOUND_SECONDS, eventually

pytestmark = [pytest.mark.slow, one_machine("it is about the host, over no store")]


@dataclass
class Sample:
    """A running sample host."""

    process: subprocess.Popen[str]
    folder: Path
    port: int

    def get(self, path: str) -> str:
        return httpx.get(f"http://127.0.0.1:{self.port}/{path}", timeout=BOUND_SECONDS).text

    def log(self) -> list[str]:
        return (self.folder / "log").read_text().splitlines()

    def pids(self, what: str) -> set[int]:
        return {int(line.split()[1]) for line in self.log() if line.startswith(f"{what} ")}

    def stop(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal, and return the exit code and what was said on standard error."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=BOUND_SECONDS)
        return self.process.returncode, errors


def start(folder: Path, port: int, workers: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.sample_host", str(folder), str(port), str(workers)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def serving(folder: Path, workers: int) -> Generator[Sample]:
    sample = Sample(start(folder, port := free_port(), workers), folder, port)
    try:
        assert sample.process.stdout is not None
        assert sample.process.stdout.readline() == "listening\n"
        yield sample
    finally:
        if sample.process.poll() is None:
            sample.stop(signal.SIGTERM)


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Generator[Sample]:
    """Return a host with two workers, which no test stops or hurts."""
    with serving(tmp_path_factory.mktemp("host"), 2) as sample:
        eventually(lambda: len(sample.pids("started")) == 2)
        yield sample


def test_the_port_opens_only_after_the_first_start(tmp_path: Path) -> None:
    with serving(tmp_path, 1) as sample:
        assert sample.log()[0] == "prepared, port closed"
        assert int(sample.get("pid"))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_in_an_orderly_way(
    tmp_path: Path, workers: int, number: signal.Signals
) -> None:
    with serving(tmp_path, workers) as sample:
        eventually(lambda: len(sample.pids("started")) == workers)
        assert sample.stop(number) == (0, "")
        assert sample.pids("stopped") == sample.pids("started")


def test_workers_share_one_port(two_workers: Sample) -> None:
    assert two_workers.process.pid not in two_workers.pids("started")
    assert int(two_workers.get("pid")) in two_workers.pids("started")
    assert two_workers.log()[0] == "prepared, port closed"
    assert two_workers.log().count("prepared, port closed") == 1


def test_a_worker_that_crashes_is_replaced(tmp_path: Path) -> None:
    with serving(tmp_path, 2) as sample:
        eventually(lambda: len(sample.pids("started")) == 2)
        with pytest.raises(httpx.RemoteProtocolError):
            sample.get("crash")
        eventually(lambda: len(sample.pids("started")) == 3)
        assert int(sample.get("pid")) in sample.pids("started")
        code, errors = sample.stop(signal.SIGTERM)
        assert code == 0
        (event,) = map(json.loads, errors.splitlines())
        assert (event["event"], event["code"]) == ("worker.ended", 3)


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        second = start(tmp_path / "data", port, 1)
        output, errors = second.communicate(timeout=BOUND_SECONDS)
    assert (second.returncode, output) == (1, "")
    assert errors == (
        f"Port {port} of 127.0.0.1 is in use. "
        "Stop the program that listens there, or set PORT to another port.\n"
    )
    assert not (tmp_path / "data").exists()


def test_a_data_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = start(tmp_path / "file" / "data", free_port(), 1)
    output, errors = refused.communicate(timeout=BOUND_SECONDS)
    assert (refused.returncode, output) == (1, "")
    assert errors.count("\n") == 1
    assert "cannot be written (Not a directory)" in errors


def test_a_terminal_reaches_the_parent_alone(two_workers: Sample) -> None:
    groups = {os.getpgid(pid) for pid in two_workers.pids("started")}
    assert os.getpgid(two_workers.process.pid) not in groups
