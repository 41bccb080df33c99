"""A process that has imported the doubles of `az` and `azd`, and forks a child for each call.

The pages call them some hundred times, and Python takes longer to start than a call.
`python -m tests.deployment.tool_server SOCKET` serves until its input ends.
"""

import gc
import marshal
import os
import select
import shlex
import socket
import subprocess
import sys
import traceback
from collections.abc import Generator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from runpy import run_path

from tests.fakes.azure_tools import __main__ as azure_tools
from tests.paths import ROOT

CLIENT = Path(__file__).with_name("tool_client.py")
TOOLS = ("az", "azd")
# What calls import, here once: the check of parameters runs from a copy, and needs what it imports.
IMPORTED = ("infra.preflight", "tests.fakes.azure_tools.az", "tests.fakes.azure_tools.azd")


@contextmanager
def running_tool_server(folder: Path) -> Generator[Path]:
    """Start the process; return its socket, which programs call through `script`."""
    address = folder / "tools"
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(address)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout
        assert process.stdout.readline(), "it did not start"
        yield address


def script(address: Path, program: str = "") -> str:
    """Return a shell script that runs a program, or as `python` does a file or a text."""
    words = [sys.executable, "-I", "-S", str(CLIENT), str(address), *([program] if program else [])]
    return f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'


# --- In the process ----------------------------------------------------------------------------


def serve(address: str) -> None:
    """Fork a child for each call until the input ends."""
    for module in IMPORTED:
        import_module(module)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(64)
        gc.freeze()  # A child that collects what it inherited would copy all of it first.
        sys.stdout.write("\n")
        sys.stdout.flush()
        while listening in select.select([listening, sys.stdin], [], [])[0]:
            connection, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                connection.sendall(bytes([_answer(connection)]))
                os._exit(0)
            connection.close()
            _collect_children()


def _collect_children() -> None:
    """Take note of children that have ended: their processor time counts as that of the tests."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _answer(connection: socket.socket) -> int:
    """Run what is asked for with the files, in the folder and the environment of the client."""
    _, files, _, _ = socket.recv_fds(connection, 1, 3)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    command, folder, environment = marshal.loads(_read(connection))  # noqa: S302 - ours.
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    try:
        code = _run(command)
    except SystemExit as end:
        code = _code_of(end.code)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _read(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def _run(command: list[str]) -> int:
    program, *words = command
    if program in TOOLS:
        return azure_tools.main(program, words)
    if program == "-c":
        sys.argv = ["-c", *words[1:]]
        exec(words[0], {"__name__": "__main__"})  # noqa: S102 - a script of ours wrote it.
        return 0
    sys.argv = command
    run_path(program, run_name="__main__")
    return 0


def _code_of(reason: object) -> int:
    """Return the exit code that the interpreter gives a `SystemExit`; print a text, as it does."""
    if reason is None or isinstance(reason, int):
        return int(reason or 0)
    sys.stderr.write(f"{reason}\n")
    return 1


if __name__ == "__main__":
    serve(sys.argv[1])
