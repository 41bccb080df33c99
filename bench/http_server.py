"""The HTTP server of the local host beside plain uvicorn, over the same registry.

Prints requests a second and the processor time of one request, for answers that are repeated, for
a page that is rendered anew and for an archive of 2 MiB; and how many of 300 connections are still
open some seconds after they have sent half a head. Limit: ours closes all of them.
"""

import select
import socket
import sys
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from bench.load_generator import SECONDS, WARM_SECONDS, Load, load, load_each, require_wrk
from bench.processor_time import processor_seconds
from bench.servers import UNLIMITED, Server, ballroom, free_port, push, running, workspace
from tests.support.archives import bala

MIB = 1024 * 1024
STALLED, STALLED_SECONDS = 300, 5.0
PACKAGE = "/2.0/registry/packages/acme/greet"


def main() -> None:
    """Print a table; exit with 1 when the limit does not hold."""
    require_wrk()
    with workspace() as folder:
        with ballroom(folder) as server, httpx.Client(timeout=60) as client:
            push(server, client, bala("acme/greet:1.0.0", padding=2 * MIB))
            archive = client.get(
                f"{server.url}{PACKAGE}/1.0.0", headers={"Accept": "application/octet-stream"}
            ).headers["location"]
            path = httpx.URL(archive).path
        kinds: dict[str, Callable[[Server], Load]] = {
            "repeated metadata": lambda server: load(f"{server.url}{PACKAGE}/1.0.0"),
            "search, never asked before": lambda server: load_each(
                server.url, ["/search?q=greet"], anew=True
            ),
            "archive of 2 MiB": lambda server: load(f"{server.url}{path}"),
        }
        for name, measured in kinds.items():
            compare(folder, name, measured)
        print(f"\nhalf a head, {STALLED} connections")
        with ballroom(folder, head_seconds="1") as server:
            ours = still_open(server)
        with plain_uvicorn(folder) as server:
            still_open(server)
    if ours:
        sys.exit("A stalled connection was not closed.")


def compare(folder: Path, name: str, measured: Callable[[Server], Load]) -> None:
    """Load both servers, one after the other, and print what they do."""
    print(f"\n{name}")
    for served in (ballroom, plain_uvicorn):
        with served(folder) as server:
            before = processor_seconds(server.pid)
            found = measured(server)
            used = processor_seconds(server.pid) - before
            requests = found.per_second * (SECONDS + WARM_SECONDS)
            print(f"  {server.name:14} {found}  {1e6 * used / requests:6.0f} µs of processor time")


def still_open(server: Server) -> int:
    """Print and return how many connections the server keeps that have stopped within a head."""
    host, port = server.url.removeprefix("http://").split(":")
    with ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection((host, int(port)))) for _ in range(STALLED)
        ]
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\nHost: ")
        time.sleep(STALLED_SECONDS)
        closed, _, _ = select.select(clients, (), (), 0)
    print(f"  {server.name:14} {STALLED - len(closed)} open after {STALLED_SECONDS:.0f} s")
    return STALLED - len(closed)


@contextmanager
def plain_uvicorn(folder: Path) -> Generator[Server]:
    """Run the same application under uvicorn as it is installed."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--factory", "shared.localhost:application"]
    command += ["--interface", "asgi3", "--lifespan", "on", "--no-proxy-headers", "--ws", "none"]
    command += ["--port", str(port), "--no-access-log", "--log-level", "error"]
    env = {"BALLROOM_DATA": str(folder / "data"), "PORT": str(port), **UNLIMITED}
    with running("plain uvicorn", command, port=port, folder=folder, env=env) as server:
        yield server


if __name__ == "__main__":
    main()
