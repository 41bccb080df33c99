"""A registry without settings connects to no other machine, whatever it is asked for.

It runs as its operator starts it. The program notes each lookup of a name and each connection.
"""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.paths import ROOT
from tests.sampling import FULL
from tests.security.routes import readable
from tests.support.archives import bala
from tests.support.noted_connections import NOTED, noted
from tests.support.registry_process import BOUND_SECONDS, pulled, push, running
from tests.support.world import URL, World

pytestmark = pytest.mark.measured

HERE = {"", "127.0.0.1", "::1", "localhost"}
PROGRAM = "tests.support.noted_connections"


def command(file: Path, data: Path, *arguments: str) -> str:
    """Run a command of an operator beside the registry; return what it prints."""
    ran = subprocess.run(
        [sys.executable, "-m", PROGRAM, *arguments],
        cwd=ROOT,
        env={**os.environ, NOTED: str(file), "BALLROOM_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
        timeout=BOUND_SECONDS,
    )
    return ran.stdout + ran.stderr


async def test_a_registry_without_settings_calls_no_other_machine(
    tmp_path: Path, world: World
) -> None:
    file = tmp_path / "noted"
    data = tmp_path / "data"
    addresses = sorted(readable(world.registry))[:: 1 if FULL else 4]
    with running(data, workers=1, program=PROGRAM, NOTED_CONNECTIONS=str(file)) as started:
        for archive in (
            bala("me/greet:1.0.0", dependencies=["acme/absent:9.9.9"], tools=["greet"]),
            bala("me/secret:1.0.0", visibility="private"),
        ):
            assert push(started.url, started.token, archive).is_success
        assert pulled(started.url, "me/greet/1.0.0")
        credentials = {"Authorization": f"Bearer {started.token}"}
        async with httpx.AsyncClient(timeout=BOUND_SECONDS, trust_env=False) as http:
            for each in addresses:
                asked = each.replace(URL, started.url).replace("acme", "me")
                assert (await http.get(asked, headers=credentials)).status_code
        tasks = command(file, data, "upkeep", "run")
        command(file, data, "doctor")
    assert "create-snapshot: checked" in tasks
    assert [call for call in noted(file) if call[1] not in HERE] == []


def test_connections_of_the_program_are_noted(tmp_path: Path) -> None:
    file = tmp_path / "noted"
    command(file, tmp_path / "data", "health")
    assert ("socket.connect", "127.0.0.1") in noted(file)
