"""Slow clients at full size: 400 unfinished bodies, 300 slow readers, 1,000 slow heads, and two
accounts that hold all room for uploads at 40 KiB a second a connection.

Prints what a process takes while each attack lasts, and how long a push of 2 MiB takes meanwhile.
Limits: 128 MiB more than before, and every push passes within the patience of a client (30 s).
"""

import socket
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit

import httpx

from bench.support.servers import Server, ballroom, push, workspace
from tests.support.archives import bala
from tests.support.terminal import Terminal

MIB = 1024 * 1024
MOST_MIB = 128
MOST_SECONDS = 30.0
UPLOADS = "/2.0/registry/packages"
RESOLVES = "/2.0/registry/packages/resolve-dependencies"
ATTACK_SECONDS = 3.0


def main() -> None:
    """Print a line for each attack; exit with 1 when a limit does not hold."""
    with workspace() as folder, ballroom(folder) as server, httpx.Client(timeout=120) as client:
        push(server, client, bala("acme/slow:0.0.1", padding=20 * MIB))
        held = [
            measure(server, client, attack, f"acme/slow:1.{number}.0")
            for number, attack in enumerate(attacks(server, client))
        ]
    if not all(held):
        sys.exit("A limit does not hold.")


@dataclass(frozen=True)
class Attack:
    """What each socket of an attack sends, and how many there are."""

    name: str
    sent: bytes
    count: int
    more: bytes = b""  # What every second socket sends first, if it differs from `sent`.
    rate: int = 0  # Bytes that are sent each second after that.


def attacks(server: Server, client: httpx.Client) -> list[Attack]:
    """Return the attacks on a registry."""
    found = client.get(
        f"{server.url}{UPLOADS}/acme/slow/0.0.1", headers={"Accept": "application/octet-stream"}
    )
    path = urlsplit(found.headers["location"]).path
    token = server.token
    first, second = (head(UPLOADS, 65 * MIB, publisher(server, name)) for name in ("ann", "bob"))
    return [
        Attack("slow heads", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", 1000),
        Attack("slow readers", f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), 300),
        Attack("large bodies of nobody", head(UPLOADS, 2 * MIB) + b"[", 400),
        Attack("large bodies with a token", head(UPLOADS, 60 * MIB, token) + b"[" * 1000, 400),
        Attack("bodies of nobody", head(RESOLVES, MIB) + b"[" * (MIB - 1), 400),
        Attack("uploads of two accounts", first, 32, more=second, rate=40 * 1024),
    ]


def publisher(server: Server, name: str) -> str:
    """Return a token of a new account that may publish."""
    terminal = Terminal(server.folder / "data")
    terminal.run("account", "add", name)
    terminal.run("org", "add", f"{name}org", "--owner", name)
    return terminal.run("token", "issue", name, "--name", "x", "--scope", "push-new").strip()


def head(path: str, length: int, token: str = "") -> bytes:
    """Return the head of a request with a body."""
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {length}"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    return "\r\n".join([*lines, "", ""]).encode()


def measure(server: Server, client: httpx.Client, attack: Attack, coordinate: str) -> bool:
    """Print what an attack takes, and tell whether the limits hold."""
    before = memory(server)
    with attacking(server, attack):
        time.sleep(ATTACK_SECONDS)
        after = memory(server)
        began = time.monotonic()
        push(server, client, bala(coordinate, padding=2 * MIB))
        seconds = time.monotonic() - began
    more = (after - before) / MIB
    print(
        f"{attack.name:26} {attack.count:5} sockets  {more:6.1f} MiB more, "
        f"{after / MIB:6.1f} in all  push {seconds:5.1f} s"
    )
    return more <= MOST_MIB and seconds <= MOST_SECONDS


@contextmanager
def attacking(server: Server, attack: Attack) -> Generator[None]:
    """Hold sockets that sent their part, and take nothing."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(attack.count)]
        for number, each in enumerate(sockets):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            each.connect(("127.0.0.1", urlsplit(server.url).port))
            each.settimeout(0.2)
            try:
                each.sendall(attack.more if attack.more and number % 2 else attack.sent)
            except OSError:
                continue  # The server does not read any more.
        with sending_on(sockets, attack.rate):
            yield


@contextmanager
def sending_on(sockets: list[socket.socket], rate: int) -> Generator[None]:
    """Send as many bytes a second over each socket."""
    over = Event()
    for each in sockets:
        each.setblocking(False)

    def send() -> None:
        while rate and not over.wait(0.5):
            for each in sockets:
                with suppress(OSError):
                    each.send(b"[" * (rate // 2))

    thread = Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def memory(server: Server) -> int:
    """Return the bytes that the process has for itself."""
    status = Path(f"/proc/{server.pid}/status").read_text("ascii")
    [line] = [line for line in status.splitlines() if line.startswith("RssAnon:")]
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
