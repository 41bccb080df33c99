"""The walk of docs/run/air-gap.md: its commands, as they stand there, and builds at both ends."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.paths import ROOT, docs
from tests.protocol.bal.java import JavaBal
from tests.protocol.bal.wire import Wire
from tests.support.registry_process import BOUND_SECONDS, free_port, wait_for
from tests.support.upstreams import FakeUpstream

pytestmark = pytest.mark.slow

WALK = docs("air-gap").partition("## From Central")[2].partition("\n## ")[0]
START, PREPARE, PULL, SERVE, IMPORT, PULL_THERE = re.findall(r"```sh\n(.*?)```", WALK, re.DOTALL)
IO = "ballerina/io:1.6.1"
BUILD = [IO, *(f"ballerinax/part{number}:1.{number}.0" for number in range(5))]


class Machine:
    """A home folder, a data folder, and a port, where the page says 7071."""

    def __init__(self, folder: Path, upstream: str) -> None:
        self.folder = folder
        folder.mkdir()
        programs = folder / "bin"
        programs.mkdir()
        # `make run`, without the step that installs an environment.
        for name, arguments in (("make", "-m shared.localhost"), ("python", '"$@"')):
            (programs / name).write_text(f"#!/bin/sh\nexec {sys.executable} {arguments}\n")
            (programs / name).chmod(0o700)
        self.port = str(free_port())
        self.url = f"http://127.0.0.1:{self.port}"
        self._upstream = upstream
        self._environment = {
            "HOME": str(folder),
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PORT": self.port,
            "WORKERS": "1",
            "BALLROOM_DATA": str(folder / "data"),
            "BALLROOM_LOG_LEVEL": "error",
        }

    def run(self, commands: str) -> None:
        """Run a block of the page; fail when a command does."""
        done = subprocess.run(
            ["sh", "-ec", self._here(commands)],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            timeout=BOUND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()

    @contextmanager
    def serving(self, commands: str) -> Generator[None]:
        """Run a block of the page that starts a registry, until the end of the context."""
        process = subprocess.Popen(
            ["sh", "-ec", f"{self._here(commands).replace('make run', 'exec make run')}"],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            wait_for(process, f"{self.url}/health/ready")
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=BOUND_SECONDS)

    def _here(self, commands: str) -> str:
        """Return the commands with the upstream and the port of the test."""
        commands = commands.replace("UPSTREAM=central", f"UPSTREAM={self._upstream}")
        return commands.replace("http://127.0.0.1:7071", self.url)

    async def build(self, upstream: FakeUpstream) -> None:
        """Resolve and pull a build as `bal` does."""
        async with httpx.AsyncClient(timeout=BOUND_SECONDS, trust_env=False) as http:
            bal = JavaBal(Wire(http), f"{self.url}/2.0/registry", "")
            wanted = [
                {"org": org, "name": name, "version": version, "mode": "locked"}
                for org, name, version in (re.split("[/:]", each) for each in BUILD)
            ]
            answer = await bal.resolve_dependencies(wanted)
            assert len(answer["resolved"]) == len(BUILD)
            for each in BUILD:
                assert (await bal.pull(each)).content == upstream.archives[each]


async def test_the_walk_of_the_page(tmp_path: Path) -> None:
    upstream = FakeUpstream()
    for each in BUILD:
        upstream.publish(each)
    file = "ballerina-io-any-1.6.1.bala"
    with upstream.serving():
        near = Machine(tmp_path / "near", upstream.url)
        (near.folder / "shop").mkdir()
        lock = [
            "[[package]]\norg = '{}'\nname = '{}'\nversion = '{}'\n".format(*re.split("[/:]", each))
            for each in BUILD
        ]
        (near.folder / "shop" / "Dependencies.toml").write_text("\n".join(lock), "utf-8")
        with near.serving(START):
            near.run(PREPARE)
    asked = upstream.total
    with near.serving(START):  # The upstream is off.
        near.run(PULL)
        await near.build(upstream)
    assert (near.folder / file).read_bytes() == upstream.archives[IO]
    far = Machine(tmp_path / "far", upstream.url)
    for name in ("shop.bundle", "bundle-key.pub"):
        (near.folder / name).rename(far.folder / name)
    with far.serving(SERVE):
        for _ in range(2):  # The second import stores nothing new.
            far.run(IMPORT)
            far.run(PULL_THERE)
            (far.folder / file).unlink()
            await far.build(upstream)
    assert upstream.total == asked
