"""Programs that are forked from a process that has imported them, instead of started.

Python takes a second to import the registry, which takes another one to load what its first
requests need. `forking_programs` lets `subprocess` fork the commands of `PROGRAMS`, which tests
start dozens of times, and their workers. What a test sees is the same: it is the parent of the
process, whose number, signals, pipes, files, folder, environment and exit code are those of a
started program. The first start of each program is a real one.
"""

import asyncio
import atexit
import ctypes
import gc
import os
import pickle
import runpy
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn, cast

import pytest
from msgspec import Struct

from tests.paths import ROOT

PROGRAMS = ("shared.localhost", "shared.cli")  # As `python -m` names them.
IMPORTED = (*PROGRAMS, "shared.command_line")  # What these import before they do anything.

# `os.fork` makes children, and `subprocess` waits for children only. A process whose parent ends
# becomes a child of the closest process above that has asked for it (`man prctl`).
_PR_SET_CHILD_SUBREAPER = 36
FORK_EXEC = "_fork_exec"  # What `subprocess` calls to start a program.
_NUMBER_BYTES = 8

ForkExec = Callable[..., int]


class Program(Struct, frozen=True):
    """What `subprocess` was asked to start, beside the files."""

    words: list[str]  # The name of the module, and its arguments.
    folder: str | None
    environment: dict[bytes, bytes]
    kept: tuple[int, ...] = ()  # Descriptors that stay open, beside standard input and output.
    has_own_session: bool = False
    group: int = -1


@contextmanager
def forking_programs() -> Generator[None]:
    """Fork the programs of `PROGRAMS` while the block lasts, on Linux."""
    if sys.platform != "linux":
        yield
        return
    server = _Server(vars(subprocess)[FORK_EXEC])
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(subprocess, FORK_EXEC, server.fork_or_start)
        yield
    server.close()


class _Server:
    """The process that forks, which is started with the second start of a program."""

    def __init__(self, original: ForkExec) -> None:
        self._original = original
        self._started = set[str]()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._lock = threading.Lock()

    def fork_or_start(self, words: Sequence[Any], *given: Any) -> int:
        """Take the place of `_posixsubprocess.fork_exec`."""
        program = program_of(words, given)
        if program is None or program.kept:  # Only the standard files are sent to the process.
            return self._original(words, *given)
        if program.words[0] not in self._started:
            self._started.add(program.words[0])
            return self._original(words, *given)
        with self._lock:
            return self._fork(program, _standard_files(given))

    def _fork(self, program: Program, files: Sequence[int]) -> int:
        connection = self._connected()
        packed = pickle.dumps(program)
        _adopt_orphans(adopts=True)
        try:
            socket.send_fds(connection, [len(packed).to_bytes(_NUMBER_BYTES)], files)
            connection.sendall(packed)
            return int.from_bytes(_receive(connection, _NUMBER_BYTES))
        finally:
            _adopt_orphans(adopts=False)

    def _connected(self) -> socket.socket:
        if self._connection is None:
            self._connection, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", __name__, str(theirs.fileno())],
                    cwd=ROOT,
                    pass_fds=[theirs.fileno()],
                )
        return self._connection

    def close(self) -> None:
        """End the process, which waits for nobody."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.wait()


def program_of(words: Sequence[Any], given: Sequence[Any]) -> Program | None:
    """Return the program that `_posixsubprocess.fork_exec` was asked to start with these arguments;
    None if it is none of those that are forked."""
    _, close_fds, kept, folder, environment = given[:5]
    prepares = given[20]
    command = [os.fsdecode(word) for word in words]
    is_known = command[:2] == [sys.executable, "-m"] and command[2] in PROGRAMS
    if not is_known or not close_fds or prepares is not None:
        return None
    environment = [*map(b"=".join, os.environb.items())] if environment is None else environment
    return Program(
        command[2:],
        None if folder is None else os.fsdecode(folder),
        dict(cast("tuple[bytes, bytes]", tuple(each.split(b"=", 1))) for each in environment),
        tuple(each for each in kept if each != _error_pipe(given)),
        has_own_session=bool(given[14]),
        group=given[15],
    )


def _error_pipe(given: Sequence[Any]) -> int:
    """Return the pipe by which a program that cannot be started would say so."""
    return given[12]


def _standard_files(given: Sequence[Any]) -> list[int]:
    """Return the input, output and errors of the program: by default those of this process."""
    pipes = (given[5], given[8], given[10])
    return [number if pipe == -1 else pipe for number, pipe in enumerate(pipes)]


def _adopt_orphans(*, adopts: bool) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, int(adopts), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def _receive(connection: socket.socket, count: int) -> bytes:
    received = connection.recv(count, socket.MSG_WAITALL)
    assert len(received) == count, "the process that forks has ended"
    return received


# --- In the process ----------------------------------------------------------------------------


def serve(connection: socket.socket) -> None:
    """Fork a program for each request until the connection is closed."""
    for module in IMPORTED:
        import_module(module)
    asyncio.run(_warm_up())
    assert threading.active_count() == 1, "a fork copies one thread and the locks of all"
    gc.freeze()  # A child that collects what it inherited would copy all of it first.
    original = vars(subprocess)[FORK_EXEC]
    setattr(subprocess, FORK_EXEC, lambda words, *given: _fork_worker(original, words, given))
    while True:
        head, files, _, _ = socket.recv_fds(connection, _NUMBER_BYTES, 3)
        if not head:
            return
        program = pickle.loads(_receive(connection, int.from_bytes(head)))  # noqa: S301 - ours.
        connection.sendall(_forked_and_left(program, files).to_bytes(_NUMBER_BYTES))
        for file in files:
            os.close(file)


def _forked_and_left(program: Program, files: Sequence[int]) -> int:
    """Fork a program by a process that ends, so that the tests get it as a child."""
    reader, writer = os.pipe()
    between = os.fork()
    if between == 0:
        os.write(writer, _forked(program, files).to_bytes(_NUMBER_BYTES))
        os._exit(0)
    os.waitpid(between, 0)
    number = int.from_bytes(os.read(reader, _NUMBER_BYTES))
    os.close(reader)
    os.close(writer)
    return number


async def _warm_up() -> None:
    """Load what every registry loads after its start."""
    from functions.faces import build_models, warm_up
    from shared.bootstrap.serving import prepare_search
    from tests.support.world import settings_of

    await build_models()
    prepare_search()
    with TemporaryDirectory() as folder:
        warm_up(settings_of(Path(folder)))


def _fork_worker(original: ForkExec, words: Sequence[Any], given: Sequence[Any]) -> int:
    """Take the place of `_posixsubprocess.fork_exec` in a program: fork its workers too."""
    program = program_of(words, given)
    if program is None:
        return original(words, *given)
    return _forked(program, _standard_files(given))


def _forked(program: Program, files: Sequence[int]) -> int:
    number = os.fork()
    if number == 0:
        _become(program, files)
    return number


def _become(program: Program, files: Sequence[int]) -> NoReturn:
    """Run the program in this process, as if it had been started."""
    code = 1
    try:
        _prepare(program, files)
        code = _run(program)
        vars(threading)["_shutdown"]()  # Waits for threads, as the end of a program does.
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _prepare(program: Program, files: Sequence[int]) -> None:
    if program.has_own_session:
        os.setsid()
    if program.group >= 0:
        os.setpgid(0, program.group)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    copies = [os.dup(file) for file in files]  # One of them may have the number of another.
    for number, copy in enumerate(copies):
        os.dup2(copy, number)
    _close_all_but({0, 1, 2, *program.kept})
    if program.folder is not None:
        os.chdir(program.folder)
    os.environ.clear()
    os.environb.update(program.environment)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)


def _close_all_but(kept: set[int]) -> None:
    """Close the descriptors that a started program would not have inherited."""
    for number in [int(each.name) for each in Path("/proc/self/fd").iterdir()]:
        if number not in kept:
            with suppress(OSError):  # That of the folder itself is closed by now.
                os.close(number)


def _run(program: Program) -> int:
    sys.argv = [program.words[0], *program.words[1:]]
    for module in IMPORTED:  # One of them runs as `__main__`.
        sys.modules.pop(module, None)
    try:
        runpy.run_module(program.words[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return int(end.code or 0)
        sys.stderr.write(f"{end.code}\n")
        return 1
    return 0


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
