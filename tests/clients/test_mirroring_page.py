"""The walk of docs/run/mirroring.md: a second registry is mirrored, and its bundle serves a build.

The commands are those of the page, but for `make demo`: the registry outside has a build of fifty
packages.
"""

import re
from pathlib import Path

import pytest

from tests.clients.page_walks import Walk, build, url_at
from tests.paths import docs
from tests.support.archives import bala
from tests.support.processes import free_port
from tests.support.registry_process import push

pytestmark = pytest.mark.slow

WALK = docs("run/mirroring").partition("## Try it on one machine")[2].partition("\n## ")[0]
_DEMO, MIRROR, PULLS, BUILD, CARRY = re.findall(r"```sh\n(.*?)```", WALK, re.DOTALL)
PACKAGES = 50
PORTS = ("7071", "7072", "7073")


def publish(walk: Walk, port: str) -> dict[str, bytes]:
    """Publish a build outside, each package with a dependency on the one before."""
    settings = (walk.folder / ".ballroom-outside" / "Settings.toml").read_text("utf-8")
    [token] = re.findall(r'^accesstoken = "(.*)"', settings, re.MULTILINE)
    published = dict[str, bytes]()
    for number in range(PACKAGES):
        before = [f"parts/part{number - 1:02}:1.0.0"] if number else []
        name = f"parts/part{number:02}:1.0.0"
        published[name] = bala(name, dependencies=before)
        answer = push(url_at(port), token, published[name])
        assert answer.status_code == 204, answer.text
    return published


async def test_the_commands_of_the_page_set_up_a_mirror_that_serves_builds(tmp_path: Path) -> None:
    ports = {each: str(free_port()) for each in PORTS}
    walk = Walk.new(tmp_path, ports)
    with walk.serving(MIRROR, ports["7072"]) as wait_for_mirror:
        outside = "BALLROOM_DATA=.ballroom-outside PORT=7071 make run"
        with walk.serving(outside, ports["7071"]) as wait_for_outside:
            wait_for_outside()
            wait_for_mirror()
            published = publish(walk, ports["7071"])
            found = walk.run(PULLS).splitlines()
            # But for the contact of the operator, which no mirror of a test has.
            assert [
                each for each in found if "is missing" in each and "security.txt" not in each
            ] == []
        assert walk.run(BUILD) == ""
        await build(ports["7072"], published)
        exports = "\n".join(re.findall("^export .*", PULLS, re.MULTILINE))
        with walk.serving(f"{exports}\n{CARRY}", ports["7073"]) as wait_for_far:
            wait_for_far()
            assert walk.run(BUILD.replace("7072", "7073")) == ""
            await build(ports["7073"], published)
