"""The walk of docs/run/mirroring.md: a second registry is mirrored, and its bundle serves a build.

The commands are those of the page, but for `make demo`: the registry outside has a build of fifty
packages.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.paths import ROOT, docs
from tests.protocol.bal.java import JavaBal
from tests.protocol.bal.wire import Wire
from tests.support.archives import bala
from tests.support.registry_process import BOUND_SECONDS, free_port, wait_for

pytestmark = pytest.mark.slow

WALK = docs("mirroring").partition("## Try it on one machine")[2].partition("\n## ")[0]
_DEMO, MIRROR, PULLS, BUILD, CARRY = re.findall(r"```sh\n(.*?)```", WALK, re.DOTALL)
PACKAGES = 50
PORTS = ("7071", "7072", "7073")
REGISTRY = "/2.0/registry"


@dataclass(frozen=True)
class Walk:
    """A folder in place of the clone, and ports in place of those of the page."""

    folder: Path
    ports: dict[str, str]

    def url(self, port: str) -> str:
        """Return the address of the registry whose port is named so on the page."""
        return f"http://127.0.0.1:{self.ports[port]}"

    def here(self, commands: str) -> str:
        """Return the commands with the ports of the test."""
        for port, own in self.ports.items():
            commands = re.sub(rf"\b{port}\b", own, commands)
        return commands

    def run(self, commands: str) -> str:
        """Run a block of the page; fail when a command does."""
        done = subprocess.run(
            ["sh", "-ec", self.here(commands)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            timeout=BOUND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    @contextmanager
    def serving(self, commands: str, port: str) -> Generator[Callable[[], None]]:
        """Run a block that starts a registry, until the end of the context; what is given waits
        until it answers."""
        process = subprocess.Popen(
            ["sh", "-ec", self.here(commands).replace("make run", "exec_run")],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            yield lambda: wait_for(process, f"{self.url(port)}/health/ready")
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.communicate(timeout=BOUND_SECONDS)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "WORKERS": "1",
            "BALLROOM_LOG_LEVEL": "error",
        }


def new_walk(folder: Path) -> Walk:
    programs = folder / "bin"
    programs.mkdir()
    # `make run`, without the step that installs an environment.
    for name, arguments in (("exec_run", "-m shared.localhost"), ("python", '"$@"')):
        (programs / name).write_text(f"#!/bin/sh\nexec {sys.executable} {arguments}\n")
        (programs / name).chmod(0o700)
    return Walk(folder, {port: str(free_port()) for port in PORTS})


def publish(walk: Walk) -> dict[str, bytes]:
    """Publish a build outside, each package with a dependency on the one before."""
    settings = (walk.folder / ".ballroom-outside" / "Settings.toml").read_text("utf-8")
    [token] = re.findall(r'^accesstoken = "(.*)"', settings, re.MULTILINE)
    published = dict[str, bytes]()
    for number in range(PACKAGES):
        before = [f"parts/part{number - 1:02}:1.0.0"] if number else []
        name = f"parts/part{number:02}:1.0.0"
        published[name] = bala(name, dependencies=before)
        answer = httpx.post(
            f"{walk.url('7071')}{REGISTRY}/packages",
            headers={"Authorization": f"Bearer {token}"},
            files={"bala-file": ("any.bala", published[name])},
        )
        assert answer.status_code == 204, answer.text
    return published


async def build(walk: Walk, port: str, published: dict[str, bytes]) -> None:
    """Resolve and pull the build as `bal` does."""
    async with httpx.AsyncClient(timeout=BOUND_SECONDS, trust_env=False) as http:
        bal = JavaBal(Wire(http), f"{walk.url(port)}{REGISTRY}", "")
        wanted = [
            {"org": org, "name": name, "version": version, "mode": "locked"}
            for org, name, version in (re.split("[/:]", each) for each in published)
        ]
        answer = await bal.resolve_dependencies(wanted)
        assert len(answer["resolved"]) == PACKAGES
        for each, content in published.items():
            assert (await bal.pull(each)).content == content


async def test_the_walk_of_the_page(tmp_path: Path) -> None:
    walk = new_walk(tmp_path)
    with walk.serving(MIRROR, "7072") as wait_for_mirror:
        outside = "BALLROOM_DATA=.ballroom-outside PORT=7071 make run"
        with walk.serving(outside, "7071") as wait_for_outside:
            wait_for_outside()
            wait_for_mirror()
            published = publish(walk)
            assert "is missing" not in walk.run(PULLS)
        assert walk.run(BUILD) == ""
        await build(walk, "7072", published)
        exports = "\n".join(re.findall("^export .*", PULLS, re.MULTILINE))
        with walk.serving(f"{exports}\n{CARRY}", "7073") as wait_for_far:
            wait_for_far()
            assert walk.run(BUILD.replace("7072", "7073")) == ""
            await build(walk, "7073", published)
