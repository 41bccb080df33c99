"""Programs that tests and benchmarks run beside themselves, stopped at the end."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO, BinaryIO

import httpx

from tests.support.waiting import BOUND_SECONDS, eventually

_CHUNK_BYTES = 65_536
_COMMANDS_SECONDS = 120


class PipeReader:
    """Reads a pipe as a program fills it, so that the program never waits for a reader."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._content = bytearray()
        self._thread = Thread(target=self._read, name="pipe reader", daemon=True)
        self._thread.start()

    @property
    def text(self) -> str:
        """Return what was printed so far."""
        return bytes(self._content).decode(errors="replace")

    def wait_for_end(self) -> bool:
        """Wait until the program and all that it has started are done; say whether they are."""
        self._thread.join(BOUND_SECONDS)
        return not self._thread.is_alive()

    def _read(self) -> None:
        with self._pipe:
            while chunk := os.read(self._pipe.fileno(), _CHUNK_BYTES):
                self._content += chunk


@dataclass(frozen=True)
class RunningProgram:
    """A program that was started, and readers of its pipes: of none where a file gets the text."""

    process: "subprocess.Popen[bytes]"
    output: PipeReader | None = None
    errors: PipeReader | None = None

    @property
    def printed(self) -> str:
        """Return what the program has printed on its pipes so far."""
        return "".join(each.text for each in (self.output, self.errors) if each)

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        """Wait until the program is ready; raise `RuntimeError` if it ends before, and
        `TimeoutError` if it takes too long."""
        eventually(lambda: self.process.poll() is not None or is_ready())
        if self.process.poll() is not None:
            self.wait_for_end()
            said = self.printed or "its log says why."
            message = f"{self.process.args} ended before it was ready: {said}"
            raise RuntimeError(message)

    def wait_for_end(self) -> bool:
        """Wait until the program and all that it has started are done; say whether they are."""
        try:
            self.process.wait(BOUND_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return all(each.wait_for_end() for each in (self.output, self.errors) if each)


@contextmanager
def started_program(
    command: Sequence[str],
    *,
    root: Path,
    environment: Mapping[str, str],
    log: BinaryIO | None = None,
    in_own_group: bool = False,
) -> Generator[RunningProgram]:
    """Start a program, and end it however the block ends: it, or its whole group of processes.

    What it prints goes to `log`; without one it is shown when it has ended, for a test that fails.
    One that does not stop is killed, and fails the test unless that failed already.
    """
    process = subprocess.Popen(
        command,
        cwd=root,
        env=environment,
        stdout=log or subprocess.PIPE,
        stderr=log or subprocess.PIPE,
        start_new_session=in_own_group,
    )
    pipes = (process.stdout, process.stderr)
    program = RunningProgram(process, *(PipeReader(each) for each in pipes if each))
    try:
        yield program
    finally:
        _send(process, signal.SIGTERM, in_own_group=in_own_group)
        has_stopped = program.wait_for_end()
        if not has_stopped:
            _send(process, signal.SIGKILL, in_own_group=in_own_group)
            program.wait_for_end()
        sys.stderr.write(program.printed)
    assert has_stopped, f"{command} did not stop within {BOUND_SECONDS:.0f} s."


@contextmanager
def running_program(
    command: Sequence[str],
    is_ready: Callable[[], bool],
    *,
    root: Path,
    environment: Mapping[str, str],
    log: BinaryIO | None = None,
    in_own_group: bool = False,
) -> Generator[RunningProgram]:
    """Start a program as `started_program` does, and begin the block when it is ready."""
    with started_program(
        command, root=root, environment=environment, log=log, in_own_group=in_own_group
    ) as program:
        program.wait_until(is_ready)
        yield program


def _send(
    process: "subprocess.Popen[bytes]", number: signal.Signals, *, in_own_group: bool
) -> None:
    if in_own_group:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
    else:
        process.send_signal(number)  # Sends nothing to one that has ended.


def run_commands(commands: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Run commands as a shell does that stops at the first failure; return what they print."""
    done = subprocess.run(
        ["/bin/sh", "-eu"],
        input=commands,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=_COMMANDS_SECONDS,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def answers(url: str) -> bool:
    """Say whether a server answers 200 at the address."""
    try:
        return httpx.get(url, timeout=BOUND_SECONDS, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def listens(port: int) -> bool:
    """Say whether a server takes connections at the port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
