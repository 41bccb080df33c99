"""Several processes at one task, started together and never left behind."""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.paths import ROOT

DEADLINE = 60  # Seconds.


class Process:
    """A process that has its stores open and waits for its signal."""

    def __init__(self, *arguments: str) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.contract.worker_process", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def step(self) -> Any:
        """Wait for what it says next."""
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def go(self) -> None:
        """Let it begin."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def kill(self) -> list[Any]:
        """Kill it in the middle of what it does; return what it had said by then."""
        self._process.kill()
        return self.rest()

    def rest(self) -> list[Any]:
        """Wait for its end, and return everything that it still said."""
        output, _ = self._process.communicate(timeout=DEADLINE)
        whole = [line for line in output.splitlines(keepends=True) if line.endswith("\n")]
        return [json.loads(line) for line in whole]

    def finish(self) -> list[Any]:
        """Wait for its end, which is to be a good one; return everything that it said."""
        said = self.rest()
        assert self._process.returncode == 0
        return said

    def end(self) -> None:
        """Leave nothing behind, whatever became of the test."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def processes(count: int, task: str, world: str, place: Path) -> Generator[list[Process]]:
    """Start processes and wait until each is ready; end them all in the end."""
    started = [Process(task, world, str(place), str(number)) for number in range(count)]
    try:
        assert [each.step() for each in started] == ["ready"] * count
        yield started
    finally:
        for each in started:
            each.end()


def together(count: int, task: str, world: str, place: Path) -> list[list[Any]]:
    """Let processes do a task at the same time; return what each said."""
    with processes(count, task, world, place) as started:
        for each in started:
            each.go()
        return [each.finish() for each in started]
