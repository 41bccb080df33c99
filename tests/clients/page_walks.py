"""Walks of the documentation: the commands of a page, as they stand there, run by a test."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx

from tests.paths import ROOT
from tests.protocol.bal.java import JavaBal
from tests.protocol.bal.wire import Wire
from tests.support.processes import answers, started_program
from tests.support.waiting import BOUND_SECONDS

# `make run`, without the step that installs an environment.
PROGRAMS = {"exec_run": "-m shared.localhost", "ballroom": '-m shared.cli "$@"'}


def url_at(port: str) -> str:
    return f"http://127.0.0.1:{port}"


@dataclass(frozen=True)
class Walk:
    """A home folder, and what stands in place of words of the page: ports of the test."""

    folder: Path
    words: Mapping[str, str]
    environment: Mapping[str, str]

    @classmethod
    def new(cls, folder: Path, words: Mapping[str, str], **environment: str) -> Self:
        """Make the programs that the commands of the page call."""
        programs = folder / "bin"
        programs.mkdir(parents=True)
        for name, arguments in PROGRAMS.items():
            (programs / name).write_text(f"#!/bin/sh\nexec {sys.executable} {arguments}\n")
            (programs / name).chmod(0o700)
        common = {
            "HOME": str(folder),
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "WORKERS": "1",
            "BALLROOM_LOG_LEVEL": "error",
        }
        return cls(folder, words, common | environment)

    def run(self, commands: str) -> str:
        """Run a block of the page; fail when a command does."""
        done = subprocess.run(
            ["sh", "-ec", self._here(commands)],
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
        ready = f"{url_at(port)}/health/ready"
        with started_program(
            ["sh", "-ec", self._here(commands).replace("make run", "exec_run")],
            root=self.folder,
            environment=self.environment,
            in_own_group=True,
        ) as program:
            yield lambda: program.wait_until(lambda: answers(ready))

    def _here(self, commands: str) -> str:
        for word, own in self.words.items():
            commands = re.sub(rf"\b{word}\b", own, commands)
        return commands


async def build(port: str, archives: Mapping[str, bytes]) -> None:
    """Resolve and pull releases as `bal` does."""
    async with httpx.AsyncClient(timeout=BOUND_SECONDS, trust_env=False) as http:
        bal = JavaBal(Wire(http), f"{url_at(port)}/2.0/registry", "")
        wanted = [
            {"org": org, "name": name, "version": version, "mode": "locked"}
            for org, name, version in (re.split("[/:]", each) for each in archives)
        ]
        answer = await bal.resolve_dependencies(wanted)
        assert len(answer["resolved"]) == len(archives)
        for each, content in archives.items():
            assert (await bal.pull(each)).content == content
