"""Several processes at one task, started together and always ended.

They are forked from one process that has imported everything, because importing takes each of them
longer than its task.
"""

from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.contract import worker_process

DEADLINE = 60  # Seconds.
FORKING = get_context("forkserver")
FORKING.set_forkserver_preload([worker_process.__name__])


class Process:
    """A process that has its stores open and waits for its signal."""

    def __init__(self, task: str, kind: str, place: Path, me: int) -> None:
        """Start it."""
        self._connection, theirs = FORKING.Pipe()
        arguments = (task, kind, place, str(me), theirs)
        self._process = FORKING.Process(target=worker_process.run, args=arguments, daemon=True)
        self._process.start()
        theirs.close()  # So that there is an end of what the process sends.

    def step(self) -> Any:
        """Wait for the next message."""
        assert self._connection.poll(DEADLINE)
        return self._connection.recv()

    def go(self) -> None:
        """Let it begin."""
        self._connection.send("go")

    def kill(self) -> list[Any]:
        """Kill it during its task; return the messages that it has sent by then."""
        self._process.kill()
        return self.rest()

    def rest(self) -> list[Any]:
        """Wait for its end, and return the remaining messages."""
        messages: list[Any] = []
        while True:
            try:
                messages.append(self.step())
            except (EOFError, OSError):  # Also in the middle of a message.
                self._process.join(DEADLINE)
                return messages

    def finish(self) -> list[Any]:
        """Wait for its end without an error, and return the remaining messages."""
        messages = self.rest()
        assert self._process.exitcode == 0
        return messages

    def end(self) -> None:
        """End it, whatever happened in the test."""
        self._process.kill()
        self._process.join(DEADLINE)
        self._process.close()
        self._connection.close()


@contextmanager
def processes(count: int, task: str, kind: str, place: Path) -> Generator[list[Process]]:
    """Start processes and wait until each is ready; end all of them."""
    started = [Process(task, kind, place, number) for number in range(count)]
    try:
        assert [each.step() for each in started] == ["ready"] * count
        yield started
    finally:
        for each in started:
            each.end()


def together(count: int, task: str, kind: str, place: Path) -> list[list[Any]]:
    """Let processes do a task at the same time; return the messages of each."""
    with processes(count, task, kind, place) as started:
        for each in started:
            each.go()
        return [each.finish() for each in started]
