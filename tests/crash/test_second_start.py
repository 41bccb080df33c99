"""A second process over a data folder: refused by name, and never stopped by what a crash left."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from shared.adapters.data_folder import DataFolder
from shared.adapters.sqlite.connections import schema_version
from shared.adapters.sqlite.database import MIGRATIONS
from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.processes import answers, free_port, running_program
from tests.support.registry_process import RegistryProcess, push, running_registry
from tests.support.waiting import BOUND_SECONDS, eventually

SETTINGS = {"BALLROOM_LOG_LEVEL": "error"}


def start_again(data: Path, port: int | None = None) -> "subprocess.CompletedProcess[str]":
    """Start a registry over the folder, which has to be refused."""
    settings = {"BALLROOM_DATA": str(data), "PORT": str(port or free_port())}
    return subprocess.run(
        [sys.executable, "-m", "shared.localhost"],
        cwd=ROOT,
        env={**os.environ, **SETTINGS, **settings},
        capture_output=True,
        text=True,
        timeout=BOUND_SECONDS,
        check=False,
    )


def command(data: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "shared.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, **SETTINGS, "BALLROOM_DATA": str(data)},
        capture_output=True,
        text=True,
        timeout=BOUND_SECONDS,
        check=False,
    )


def set_schema(data: Path, number: int) -> None:
    """Make the database one of another version."""
    with closing(sqlite3.connect(DataFolder(data).database)) as connection:
        connection.execute(f"PRAGMA user_version = {number}")


def schema_of(data: Path) -> int:
    with closing(sqlite3.connect(DataFolder(data).database)) as connection:
        return schema_version(connection)


@contextmanager
def under_another_server(data: Path) -> Generator["subprocess.Popen[bytes]"]:
    """Serve the folder by two workers of uvicorn."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--factory", "shared.localhost:application"]
    command += ["--interface", "asgi3", "--lifespan", "on", "--ws", "none", "--port", str(port)]
    command += ["--workers", "2", "--log-level", "error", "--no-access-log"]
    with running_program(
        command,
        lambda: answers(f"http://127.0.0.1:{port}/health/ready"),
        root=ROOT,
        environment={**os.environ, **SETTINGS, "BALLROOM_DATA": str(data)},
    ) as program:
        yield program.process


@pytest.fixture(scope="module", params=[1, 2])
def host(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Generator[RegistryProcess]:
    """Return a registry of so many workers, which each test leaves as it is."""
    with running_registry(
        tmp_path_factory.mktemp("served") / "data", workers=request.param
    ) as started:
        yield started


def test_a_second_start_is_refused_and_names_the_process_of_the_first(
    host: RegistryProcess,
) -> None:
    for port in (None, host.port):
        second = start_again(host.data, port)
        assert (second.returncode, second.stdout) == (1, "")
        [line] = second.stderr.splitlines()
        assert line.startswith(f"Process {host.process.pid} (Ballroom ")
        assert line.endswith(
            f" at {host.url}) serves the data folder {host.data} already. Stop it first, or "
            "set BALLROOM_DATA to another folder."
        )
    assert push(host.url, host.token, bala("acme/greet:1.0.0")).status_code == 204


@pytest.mark.parametrize("host", [1], indirect=True)
def test_a_newer_version_does_not_migrate_the_folder_of_a_running_one(
    host: RegistryProcess,
) -> None:
    set_schema(host.data, len(MIGRATIONS) - 1)
    try:
        for refused in (start_again(host.data), command(host.data, "snapshot", "restore", "any")):
            assert refused.returncode == 1
            assert f"Process {host.process.pid} " in refused.stderr
            assert "Traceback" not in refused.stderr
        assert schema_of(host.data) == len(MIGRATIONS) - 1
        assert not DataFolder(host.data).upgrades.exists()
    finally:
        set_schema(host.data, len(MIGRATIONS))


@pytest.mark.parametrize("host", [1], indirect=True)
def test_a_copy_of_a_served_folder_is_served_by_itself(
    host: RegistryProcess, tmp_path: Path
) -> None:
    command(host.data, "backup", str(tmp_path / "backup"))
    shutil.copytree(DataFolder(host.data).processes, tmp_path / "backup" / "processes")
    with running_registry(tmp_path / "backup", workers=1):
        pass


@pytest.mark.parametrize("host", [2], indirect=True)
def test_commands_work_while_the_registry_runs(host: RegistryProcess, tmp_path: Path) -> None:
    for arguments in (("doctor",), ("backup", str(tmp_path / "backup")), ("upkeep", "run")):
        done = command(host.data, *arguments)
        assert done.returncode == 0, done.stderr


def test_a_folder_that_is_served_is_not_restored_though_its_database_is_deleted(
    tmp_path: Path,
) -> None:
    backup = tmp_path / "backup"
    with running_registry(tmp_path / "data", workers=1) as host:
        assert command(host.data, "backup", str(backup)).returncode == 0
        DataFolder(host.data).database.unlink()
        refused = command(host.data, "restore", str(backup))
        assert refused.returncode == 1
        assert f"Process {host.process.pid} " in refused.stderr
        assert not DataFolder(host.data).database.exists()
    assert command(host.data, "restore", str(backup)).returncode == 0


def test_a_start_after_a_crash_finds_nothing_in_its_way(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for _ in range(2):
        with running_registry(data, workers=2) as host:
            host.process.kill()
            host.process.wait(BOUND_SECONDS)
    with running_registry(data, workers=2):
        # The parent and two workers, of which the slower one may still be starting.
        eventually(lambda: len(list(DataFolder(data).processes.iterdir())) >= 3)
        assert len(list(DataFolder(data).processes.iterdir())) == 3  # Used again by each start.


def test_applications_under_another_server_share_a_folder_that_no_start_may_take(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    with running_registry(data, workers=1):
        pass
    with under_another_server(data):
        refused = start_again(data)
        assert refused.returncode == 1
        assert " (an application of Ballroom " in refused.stderr
    with running_registry(data, workers=1):
        pass
