"""Row 24, exhaustion by connections: who sends or reads slowly takes no place from others.

Each attack is made small, by real sockets on a registry with the defaults of an operator, and lasts
while somebody else is served.
"""

import socket
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest

from shared.domain.body_sizes import MAX_BODY_BYTES
from tests.support.archives import bala
from tests.support.registry_process import RegistryProcess, running_registry
from tests.support.storage import one_machine
from tests.support.terminal import Terminal
from tests.support.waiting import BOUND_SECONDS

pytestmark = [pytest.mark.slow, one_machine("it is about the host of one machine")]

MIB = 1024 * 1024
UPLOADS = "/2.0/registry/packages"
RESOLVES = "/2.0/registry/packages/resolve-dependencies"
SOCKETS = 100
MOST = 80 * MIB  # More memory for all of them; without bounds it would be 130 and more.


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Generator[RegistryProcess]:
    """Return a running registry, with the limits that it has by default."""
    # Requests are not counted: thousands come at once from the address of those who are served.
    with running_registry(
        tmp_path_factory.mktemp("slow") / "data", workers=1, BALLROOM_LIMIT_READ=""
    ) as served:
        yield served


def connected(registry: RegistryProcess, *, buffer: int = 0) -> socket.socket:
    """Return a connection; of one with a small buffer the system takes little off the server."""
    made = socket.socket()
    if buffer:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    made.settimeout(BOUND_SECONDS)
    made.connect(("127.0.0.1", registry.port))
    return made


def publisher(registry: RegistryProcess, name: str) -> str:
    """Return a token of a new account that owns an organization."""
    terminal = Terminal(registry.data)
    terminal.run("account", "add", name)
    terminal.run("org", "add", f"{name}org", "--owner", name)
    return token_of(registry, name)


def token_of(registry: RegistryProcess, name: str) -> str:
    """Return a token of an account that may publish wherever the account may."""
    options = ("--name", "test", "--scope", "push-new", "--scope", "push-version")
    return Terminal(registry.data).run("token", "issue", name, *options).strip()


def head(path: str, length: int, token: str = "") -> bytes:
    """Return the head of a request that announces a body."""
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {length}"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    return "\r\n".join([*lines, "Content-Type: application/json", "", ""]).encode()


@contextmanager
def begun(
    registry: RegistryProcess,
    path: str,
    length: int,
    sent: int,
    *,
    count: int = SOCKETS,
    token: str = "",
) -> Generator[list[socket.socket]]:
    """Begin as many requests, and send a part of each body."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(connected(registry)) for _ in range(count)]
        for each in sockets:
            each.settimeout(1)
            try:
                each.sendall(head(path, length, token) + b"[" * sent)
            except OSError:
                continue  # It is not read any more, which is what is tested.
        yield sockets


@contextmanager
def going_on(sockets: list[socket.socket], *, bytes_a_second: int) -> Generator[None]:
    """Send on over each socket at that rate until the end of the block."""
    over = Event()
    for each in sockets:
        each.setblocking(False)

    def send() -> None:
        piece = b"[" * (bytes_a_second // 4)
        while not over.wait(0.25):
            for each in sockets:
                with suppress(OSError):
                    each.send(piece)

    thread = Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def unasked(connection: socket.socket) -> bytes:
    """Return what the registry has said by now."""
    try:
        return connection.recv(4096)
    except BlockingIOError:
        return b""


def pushed(registry: RegistryProcess, version: str, size: int) -> int:
    """Push a release as `bal` does; return the status."""
    archive = {"bala-file": ("any.bala", bala(f"acme/slow:{version}", padding=size))}
    headers = {"Authorization": f"Bearer {registry.token}"}
    url = registry.url + UPLOADS
    answer = httpx.post(url, files=archive, headers=headers, timeout=BOUND_SECONDS)
    return answer.status_code


def memory(registry: RegistryProcess) -> int:
    """Return the bytes that the server has for itself."""
    status = Path(f"/proc/{registry.process.pid}/status").read_text("ascii")
    [line] = [line for line in status.splitlines() if line.startswith("RssAnon:")]
    return int(line.split()[1]) * 1024


def test_an_upload_finishes_during_large_anonymous_ones(registry: RegistryProcess) -> None:
    with begun(registry, UPLOADS, 2 * MIB, 1, count=8):
        assert pushed(registry, "1.0.0", 2 * MIB) == 204


@pytest.mark.parametrize("path", [UPLOADS, UPLOADS.replace("/packages", "//packages")])
def test_a_large_body_of_nobody_is_refused_before_it_is_sent(
    registry: RegistryProcess, path: str
) -> None:
    with connected(registry) as connection:
        connection.sendall(head(path, 20 * MIB))
        assert connection.recv(4096).startswith(b"HTTP/1.1 401 ")


def test_an_upload_finishes_during_slow_ones_of_another_publisher(
    registry: RegistryProcess,
) -> None:
    other = publisher(registry, "other")
    with begun(registry, UPLOADS, 65 * MIB, 1000, count=8, token=other):
        assert pushed(registry, "1.1.0", 2 * MIB) == 204


def test_an_upload_finishes_during_those_of_accounts_that_take_what_they_may(
    registry: RegistryProcess,
) -> None:
    with ExitStack() as stack:
        taking = [publisher(registry, name) for name in ("ann", "bob", "eve")]
        uploads = (begun(registry, UPLOADS, 65 * MIB, 1, count=4, token=each) for each in taking)
        sockets = [connection for each in uploads for connection in stack.enter_context(each)]
        stack.enter_context(going_on(sockets, bytes_a_second=200 * 1024))
        assert pushed(registry, "1.4.0", 2 * MIB) == 204
        assert not any(unasked(each) for each in sockets)


def test_an_account_that_may_publish_nowhere_gets_no_room_of_publishers(
    registry: RegistryProcess,
) -> None:
    Terminal(registry.data).run("account", "add", "stranger")
    with connected(registry) as connection:
        connection.sendall(head(UPLOADS, 20 * MIB, token_of(registry, "stranger")))
        answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"taken only with a token that may publish in some organization." in answer


def test_bodies_of_nobody_take_little_memory_and_keep_nobody_out(registry: RegistryProcess) -> None:
    before = memory(registry)
    with begun(registry, RESOLVES, MAX_BODY_BYTES, MAX_BODY_BYTES - 1):
        assert pushed(registry, "1.2.0", 900_000) == 204
        assert memory(registry) - before < MOST


def test_slow_readers_take_little_memory_and_keep_nobody_out(registry: RegistryProcess) -> None:
    assert pushed(registry, "1.3.0", 16 * MIB) == 204
    before = memory(registry)
    path = archive_path(registry, "1.3.0")
    with ExitStack() as stack:
        for _ in range(SOCKETS):
            reader = stack.enter_context(connected(registry, buffer=4096))
            reader.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert reader.recv(15) == b"HTTP/1.1 200 OK"
        assert len(httpx.get(registry.url + path, timeout=BOUND_SECONDS).content) > 16 * MIB
        assert memory(registry) - before < MOST


def test_requests_that_nobody_waits_for_are_bounded(registry: RegistryProcess) -> None:
    before = memory(registry)
    with ExitStack() as stack:
        for _ in range(SOCKETS):
            sender = stack.enter_context(connected(registry, buffer=4096))
            sender.settimeout(1)
            try:
                sender.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 5_000)
            except OSError:
                continue
        assert httpx.get(registry.url, timeout=BOUND_SECONDS).status_code == 200
        assert memory(registry) - before < MOST


def archive_path(registry: RegistryProcess, version: str) -> str:
    url = f"{registry.url}{UPLOADS}/acme/slow/{version}"
    answer = httpx.get(url, headers={"Accept": "application/octet-stream"}, timeout=BOUND_SECONDS)
    return httpx.URL(answer.headers["location"]).raw_path.decode()
