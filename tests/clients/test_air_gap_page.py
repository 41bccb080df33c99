"""The walk of docs/run/air-gap.md: its commands, as they stand there, and builds at both ends."""

import re
from pathlib import Path

import pytest

from tests.clients.page_walks import Walk, build
from tests.paths import docs
from tests.support.processes import free_port
from tests.support.upstreams import FakeUpstream

pytestmark = pytest.mark.slow

WALK = docs("run/air-gap").partition("## From Central")[2].partition("\n## ")[0]
START, PREPARE, PULL, SERVE, IMPORT, PULL_THERE = re.findall(r"```sh\n(.*?)```", WALK, re.DOTALL)
IO = "ballerina/io:1.6.1"
BUILD = [IO, *(f"ballerinax/part{number}:1.{number}.0" for number in range(5))]


def new_walk(folder: Path, upstream: str) -> Walk:
    """Return a walk with a port and an upstream of its own."""
    port = str(free_port())
    words = {"7071": port, "BALLROOM_UPSTREAM=central": f"BALLROOM_UPSTREAM={upstream}"}
    return Walk.new(folder, words, PORT=port, BALLROOM_DATA=str(folder / "data"))


async def test_the_commands_of_the_page_carry_packages_to_a_registry_without_a_network(
    tmp_path: Path,
) -> None:
    upstream = FakeUpstream()
    for each in BUILD:
        upstream.publish(each)
    file = "ballerina-io-any-1.6.1.bala"
    with upstream.serving():
        near = new_walk(tmp_path / "near", upstream.url)
        near_port = near.environment["PORT"]
        (near.folder / "shop").mkdir()
        lock = [
            "[[package]]\norg = '{}'\nname = '{}'\nversion = '{}'\n".format(*re.split("[/:]", each))
            for each in BUILD
        ]
        (near.folder / "shop" / "Dependencies.toml").write_text("\n".join(lock), "utf-8")
        with near.serving(START, near_port) as wait:
            wait()
            near.run(PREPARE)
    asked = upstream.total
    with near.serving(START, near_port) as wait:  # The upstream is off.
        wait()
        near.run(PULL)
        await build(near_port, upstream.archives)
    assert (near.folder / file).read_bytes() == upstream.archives[IO]
    far = new_walk(tmp_path / "far", upstream.url)
    far_port = far.environment["PORT"]
    for name in ("shop.bundle", "bundle-key.pub"):
        (near.folder / name).rename(far.folder / name)
    with far.serving(SERVE, far_port) as wait:
        wait()
        for _ in range(2):  # The second import stores nothing new.
            far.run(IMPORT)
            far.run(PULL_THERE)
            (far.folder / file).unlink()
            await build(far_port, upstream.archives)
    assert upstream.total == asked
