"""`python -m tests.support.sample_host FOLDER PORT WORKERS`: a small app under the real process
model.
"""

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import azure.functions as func

from shared.hosting.host import Host
from shared.hosting.http_server.processes import ServerOptions, serve, serve_as_worker
from shared.hosting.triggers import StartRefused
from shared.telemetry.log import configure
from tests.support.sample_app import answered


def build_app() -> func.FunctionApp:
    """Return an app that tells which process answers, and can be hurt."""
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("pid")
    async def tell_pid(req: func.HttpRequest) -> func.HttpResponse:
        return answered(str(os.getpid()))

    @app.route("crash")
    async def crash(req: func.HttpRequest) -> func.HttpResponse:
        os._exit(3)

    return app


def plan(folder: Path, port: int, workers: int) -> ServerOptions:
    """Return the plan of the arguments."""
    arguments = [str(folder), str(port), str(workers)]
    return ServerOptions(
        host="127.0.0.1",
        port=port,
        data=folder,
        build=lambda: Host(
            build_app(),
            on_start=[lambda: note(folder, f"started {os.getpid()}")],
            on_stop=[lambda: note(folder, f"stopped {os.getpid()}")],
        ),
        worker_command=lambda descriptor: (
            [sys.executable, "-m", "tests.support.sample_host", *arguments, str(descriptor)]
        ),
        workers=workers,
    )


async def note(folder: Path, line: str) -> None:
    """Write a line down."""
    append(folder, line)


def append(folder: Path, line: str) -> None:
    """Write a line down at once, also from several processes."""
    with (folder / "log").open("a") as log:
        log.write(f"{line}\n")


def prepare(folder: Path, port: int) -> Callable[[], None]:
    """Return what notes that the port is still closed."""

    def check() -> None:
        with socket.socket() as client:
            closed = client.connect_ex(("127.0.0.1", port)) != 0
        append(folder, f"prepared, port {'closed' if closed else 'open'}")

    return check


def main(folder: Path, port: int, workers: int, descriptor: int | None = None) -> int:
    """Serve, and return the exit code."""
    configure("info")
    try:
        if descriptor is not None:
            serve_as_worker(plan(folder, port, workers), descriptor)
        else:
            announce = lambda: print("listening", flush=True)  # noqa: E731
            serve(plan(folder, port, workers), prepare(folder, port), announce)
    except StartRefused as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *map(int, sys.argv[2:])))
