"""Dependency confusion, 2021: a name that is private here is taken from a public registry.

This registry has no other one behind it: what it does not hold does not exist, and whoever asks for
a higher version of a local package gets the local one, whatever anybody published elsewhere.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.protocol.bal.failures import ClientFailure
from tests.support.archives import bala
from tests.support.world import World


def test_no_question_about_packages_makes_the_registry_ask_anybody(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.security.confused_names", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ran.returncode == 0, ran.stderr
    [*called, noted] = ran.stdout.splitlines()
    assert called == []
    assert "socket.connect" in noted
    assert "127.0.0.1" in noted


@pytest.mark.parametrize("wanted", ["9.9.9", "2.0.0", "9.*"])
async def test_a_higher_version_that_is_not_here_is_nowhere(world: World, wanted: str) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    for client in (world.java(world.people.ann), world.go(world.people.ann)):
        with pytest.raises(ClientFailure, match="not found"):
            await client.pull(f"acme/greet:{wanted}")


async def test_a_name_of_an_organization_that_is_here_is_nobody_elses_to_publish(
    world: World,
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    for coordinate in ("acme/greet:9.9.9", "acme/new:1.0.0", "Acme/greet:9.9.9"):
        with pytest.raises(ClientFailure, match="You may not publish"):
            await world.push(bala(coordinate), by=world.people.bob)
    assert await world.java().versions("acme/greet") == ["1.0.0"]
