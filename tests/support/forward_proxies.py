"""A proxy as companies have one: clients ask it to connect them to a host, by its name."""

import socket
import ssl
from base64 import b64encode
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread

from shared.hosting.http_server.server import bind

SECONDS = 10.0


@dataclass
class ForwardProxy:
    """What the proxy was asked for, and what it does next.

    It connects only to `hosts`, whose names it alone knows, each at a port of this machine.
    """

    port: int = 0
    hosts: Mapping[str, int] = field(default_factory=dict[str, int])
    user: str = ""  # As user:password; without it nobody is asked for one.
    status: str = ""  # Answered to everybody instead, such as 403 Forbidden.
    encryption: ssl.SSLContext | None = None
    asked: list[str] = field(default_factory=list[str])

    @property
    def url(self) -> str:
        credentials = f"{self.user}@" if self.user else ""
        scheme = "https" if self.encryption else "http"
        return f"{scheme}://{credentials}127.0.0.1:{self.port}"

    def answer(self, connection: socket.socket) -> None:
        """Take one request, and connect its client if that is allowed."""
        if self.encryption is not None:
            connection = self.encryption.wrap_socket(connection, server_side=True)
        with connection:
            head = _read_head(connection)
            if not head:
                return
            target = head.split(" ")[1]
            self.asked.append(target)
            status = self.status or self._refusal(head, target)
            if status:
                connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
                return
            with socket.create_connection(("127.0.0.1", self._port_of(target)), SECONDS) as server:
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                _join(connection, server)

    def _port_of(self, target: str) -> int:
        return self.hosts.get(target) or self.hosts[target.rpartition(":")[0]]

    def _refusal(self, head: str, target: str) -> str:
        if self.user:
            expected = f"Basic {b64encode(self.user.encode()).decode()}"
            if f"proxy-authorization: {expected}".lower() not in head.lower():
                return "407 Proxy Authentication Required"
        if target not in self.hosts and target.rpartition(":")[0] not in self.hosts:
            return "503 Service Unavailable"
        return ""


@contextmanager
def forwarding(proxy: ForwardProxy) -> Generator[ForwardProxy]:
    """Run the proxy for as long as the block lasts."""
    bound = bind("127.0.0.1", 0)
    bound.listen()
    proxy.port = bound.getsockname()[1]

    def accept() -> None:
        while True:
            try:
                connection, _ = bound.accept()
            except OSError:
                return
            connection.settimeout(SECONDS)
            Thread(target=_quietly, args=(proxy, connection), daemon=True).start()

    thread = Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        with suppress(OSError):
            bound.shutdown(socket.SHUT_RDWR)
        bound.close()
        thread.join(SECONDS)


def _quietly(proxy: ForwardProxy, connection: socket.socket) -> None:
    with suppress(OSError):
        proxy.answer(connection)


def _read_head(connection: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(4096)
        if not piece:
            return ""
        head += piece
    return head.decode()


def _join(client: socket.socket, server: socket.socket) -> None:
    """Pass on what comes from either side until one closes."""
    back = Thread(target=_pass_on, args=(server, client), daemon=True)
    back.start()
    _pass_on(client, server)
    back.join(SECONDS)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
