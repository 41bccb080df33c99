"""Servers for tests: in this process or on a port of their own, with a time limit, always
stopped.
"""

import socket
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread

import httpx
from starlette.types import ASGIApp

from shared.hosting.http_server.connection import ConnectionTimeouts
from shared.hosting.http_server.server import (
    Certificate,
    ConnectionLimits,
    bind,
    create_server,
    listen,
)

START_SECONDS = 30.0  # Generous: a slow machine is no failure.


@dataclass(frozen=True)
class Address:
    """Where a server of a test listens."""

    port: int
    scheme: str = "http"

    @property
    def url(self) -> str:
        """Return the address without a slash at its end."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def exchange(self, request: bytes) -> bytes:
        """Send bytes as they are, and return all bytes until the server closes the connection."""
        with self.connect() as connection:
            connection.sendall(request)
            return read_all(connection)

    def connect(self) -> socket.socket:
        """Return a plain connection with a time-out."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=START_SECONDS)


def read_all(connection: socket.socket) -> bytes:
    """Return what comes until the other side closes, whichever way it does."""
    received = bytearray()
    try:
        while piece := connection.recv(65_536):
            received += piece
    except ConnectionResetError:
        pass
    return bytes(received)


@contextmanager
def served_app(
    app: ASGIApp,
    *,
    timeouts: ConnectionTimeouts | None = None,
    limits: ConnectionLimits | None = None,
    certificate: Certificate | None = None,
    at: socket.socket | None = None,
) -> Generator[Address]:
    """Serve an application by the real server, in a thread, for as long as the block lasts.

    `at` is a bound socket, for an application that knows its own address.
    """
    bound = at or bind("127.0.0.1", 0)
    listen(bound)
    port: int = bound.getsockname()[1]
    serving = create_server(
        app,
        certificate=certificate,
        timeouts=timeouts or ConnectionTimeouts(),
        limits=limits or ConnectionLimits(),
    )
    thread = Thread(target=serving.run, args=(bound,), name="server")
    thread.start()
    try:
        assert serving.ready.wait(START_SECONDS), "the server did not start; its log says why"
        yield Address(port, "https" if certificate else "http")
    finally:
        serving.should_exit = True
        thread.join(START_SECONDS)
        bound.close()
    assert not thread.is_alive(), "the server did not stop"


def client(app: ASGIApp, base_url: str = "http://registry.test") -> httpx.AsyncClient:
    """Return a client that calls the application in this process, without a socket."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=base_url)
