"""One process that serves an ASGI application: its socket, its connections, its shutdown."""

import asyncio
import errno
import gc
import os
import signal
import socket
import ssl
import sys
import threading
from collections import Counter
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from shared.domain.client_addresses import Networks, caller_network, is_shared
from shared.hosting.http_server.connection import Connection, ConnectionTimeouts, ServerState
from shared.hosting.http_server.garbage_collection import collect_garbage
from shared.hosting.http_server.lifespan import Lifespan
from shared.hosting.http_server.tls_handshakes import TlsHandshake, TlsListener
from shared.hosting.requests import ASGIApp
from shared.hosting.triggers import StartRefused
from shared.telemetry.log import log

BACKLOG = 2048
SHUTDOWN_SECONDS = 10  # Time for requests to end before the process does.
CHECK_SECONDS = 0.1  # Between two looks at the time-outs and the number of connections.
FAILED_TO_START = 3  # The exit code of a process whose application did not start.


class Certificate(Struct, frozen=True):
    """The PEM chain and key for HTTPS."""

    chain: Path
    key: Path | None = None


_DEFAULT_TIMEOUTS = ConnectionTimeouts()


class ConnectionLimits(Struct, frozen=True):
    """How many connections one process keeps open, and how much memory their answers take."""

    connections: int = 1000
    connections_of_address: int = 200
    waiting_bytes: int = 128 * 1024 * 1024  # Unread answers of all connections together.
    # Connections with more unread bytes are closed first; of an archive, one or two pieces are in
    # memory.
    waiting_bytes_of_one: int = 2 * 1024 * 1024
    # They have no limit by address, because each serves many clients; loopback has none either.
    proxies: Networks = ()


_DEFAULT_LIMITS = ConnectionLimits()

# --- The socket --------------------------------------------------------------------------------


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to the address and does not listen yet."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as refused:
        raise _address_unusable(host, port, refused.strerror or str(refused)) from None
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as refused:
        bound.close()
        raise _refusal(refused, host, port) from None
    return bound


def listen(bound: socket.socket) -> None:
    """Let clients connect; they wait until a server accepts them."""
    try:
        bound.listen(BACKLOG)
    except OSError as refused:
        # Two sockets can be bound to one address until the first of them listens.
        host, port = bound.getsockname()[:2]
        raise _refusal(refused, host, port) from None


def _refusal(refused: OSError, host: str, port: int) -> StartRefused:
    if refused.errno == errno.EADDRINUSE:
        return StartRefused(
            f"Port {port} of {host} is in use. "
            "Stop the program that listens there, or set PORT to another port."
        )
    return _address_unusable(host, port, os.strerror(refused.errno or 0))


def _address_unusable(host: str, port: int, reason: str) -> StartRefused:
    return StartRefused(
        f"Cannot listen on port {port} of {host} ({reason}). "
        "Set PORT and BALLROOM_HOST to an address of this machine that this user may use."
    )


def tls_context(certificate: Certificate) -> ssl.SSLContext:
    """Return the context that serves HTTPS with the certificate. Raises `OSError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Python can be built, as Debian builds it, to leave this to the configuration of OpenSSL.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate.chain, certificate.key)
    return context


# --- The server --------------------------------------------------------------------------------


class Server:
    """Serves one socket, closes stalled and surplus connections, and reports when it is ready."""

    def __init__(
        self,
        app: ASGIApp,
        tls: ssl.SSLContext | None,
        timeouts: ConnectionTimeouts,
        limits: ConnectionLimits,
    ) -> None:
        self.ready = threading.Event()
        self.should_exit = False
        self._must_exit = False  # Without waiting for anybody.
        self._state = ServerState(app)
        self._tls = tls and TlsListener(self._state, tls, timeouts.handshake_seconds)
        self._timeouts = timeouts
        self._limits = limits
        self._lifeline: int | None = None

    def serve_until_stopped(self, bound: socket.socket) -> None:
        """Serve the socket until SIGINT, SIGTERM or `should_exit`; a second SIGINT ends at once."""
        _allow_descriptors()
        with _handled_signals(self._stop):
            self.run(bound)

    def run(self, bound: socket.socket) -> None:
        """Serve the socket until `should_exit`, in any thread."""
        with asyncio.Runner(loop_factory=_new_event_loop) as runner:
            runner.run(self.serve(bound))

    async def serve(self, bound: socket.socket) -> None:
        """Serve the socket until `should_exit`."""
        loop = asyncio.get_running_loop()
        if self._lifeline is not None:
            loop.add_reader(self._lifeline, self._read_lifeline, self._lifeline)
        collecting = asyncio.create_task(collect_garbage())
        try:
            await self._serve(bound)
        finally:
            collecting.cancel()

    async def _serve(self, bound: socket.socket) -> None:
        lifespan = Lifespan(self._state.app)
        if not await lifespan.start():
            sys.exit(FAILED_TO_START)
        self._state.update_default_headers()
        stop_listening = await self._listen(bound)
        gc.collect()  # Objects made at the start live until the end, and are set aside.
        self.ready.set()
        await self._watch_connections()
        stop_listening()
        bound.close()
        await self._end_connections()
        if not self._must_exit:
            await lifespan.end()

    async def _listen(self, bound: socket.socket) -> Callable[[], object]:
        """Accept connections; return what ends that."""
        if self._tls is not None:
            bound.listen(BACKLOG)
            return asyncio.create_task(self._tls.accept(bound)).cancel
        listening = await asyncio.get_running_loop().create_server(
            lambda: Connection(self._state), sock=bound, backlog=BACKLOG
        )
        return listening.close

    @property
    def _handshakes(self) -> Collection[TlsHandshake]:
        return self._tls.handshakes if self._tls is not None else ()

    def stop_at_end_of(self, descriptor: int) -> None:
        """Stop when the other end of a pipe is closed, or its process ends."""
        self._lifeline = descriptor

    def _read_lifeline(self, descriptor: int) -> None:
        if not os.read(descriptor, 4096):
            asyncio.get_running_loop().remove_reader(descriptor)
            self.should_exit = True

    def _stop(self, number: int, frame: object) -> None:
        """Handle a signal."""
        del frame
        if self.should_exit and number == signal.SIGINT:
            self._must_exit = True
        self.should_exit = True

    async def _watch_connections(self) -> None:
        while not self.should_exit:
            self._state.update_default_headers()
            self._close_connections(asyncio.get_running_loop().time())
            await asyncio.sleep(CHECK_SECONDS)

    def _close_connections(self, now: float) -> None:
        connections = list(self._state.connections)
        for connection in connections:
            if connection.has_timed_out(now, self._timeouts):
                connection.abort()
            elif connection.has_idled(now, self._timeouts):
                connection.transport.close()
        for connection in slow_readers(connections, self._limits):
            connection.abort()
        for surplus in surplus_connections([*connections, *self._handshakes], self._limits):
            surplus.abort()

    async def _end_connections(self) -> None:
        """Close all connections, and wait for the answers to requests that came before."""
        for handshake in list(self._handshakes):
            handshake.abort()
        for connection in list(self._state.connections):
            connection.shut_down()
        await asyncio.sleep(CHECK_SECONDS)
        try:
            async with asyncio.timeout(SHUTDOWN_SECONDS):
                while (self._state.connections or self._state.tasks) and not self._must_exit:
                    await asyncio.sleep(CHECK_SECONDS)
        except TimeoutError:
            log.error("server.requests_cancelled", count=len(self._state.tasks))
            for task in self._state.tasks:
                task.cancel()


if sys.platform == "win32":
    _new_event_loop = asyncio.new_event_loop

    def _allow_descriptors() -> None:
        """Do nothing: Windows has no such limit."""

else:
    import resource

    import uvloop

    _new_event_loop = uvloop.new_event_loop

    def _allow_descriptors() -> None:
        """Raise the limit of open files and sockets to the maximum of this process."""
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextmanager
def _handled_signals(handle: Callable[[int, object], None]) -> Generator[None]:
    """Handle the signals that end a process, while the block lasts."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if sys.platform == "win32":
        numbers.append(signal.SIGBREAK)  # Ctrl+Break.
    before = [signal.signal(number, handle) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def create_server(
    app: ASGIApp,
    *,
    certificate: Certificate | None = None,
    timeouts: ConnectionTimeouts = _DEFAULT_TIMEOUTS,
    limits: ConnectionLimits = _DEFAULT_LIMITS,
) -> Server:
    """Return a server of the application, which is not started."""
    return Server(app, certificate and tls_context(certificate), timeouts, limits)


def surplus_connections(
    connections: Sequence[Connection | TlsHandshake], limits: ConnectionLimits
) -> list[Connection | TlsHandshake]:
    """Return the connections over the limits: those that wait longest for their client."""
    if len(connections) <= min(limits.connections, limits.connections_of_address):
        return []
    ordered = sorted(connections, key=lambda each: each.closing_order)
    counts = Counter(_counted_as(each.address, limits.proxies) for each in connections)
    surplus: list[Connection | TlsHandshake] = []
    for each in ordered:
        address = _counted_as(each.address, limits.proxies)
        is_of_many = address != "" and counts[address] > limits.connections_of_address
        if is_of_many or len(connections) - len(surplus) > limits.connections:
            counts[address] -= 1
            surplus.append(each)
    return surplus


def slow_readers(connections: Sequence[Connection], limits: ConnectionLimits) -> list[Connection]:
    """Return the connections to close so that unread answers take less memory.

    First come connections with more unread bytes than one may have, so that large answers which
    nobody reads do not cost other clients their archives; then those that are blocked longest.
    """
    blocked = [each for each in connections if each.blocked_since is not None]
    waiting = sum(each.pending_bytes for each in blocked)
    slow: list[Connection] = []
    most = limits.waiting_bytes_of_one
    for each in sorted(blocked, key=lambda each: (each.pending_bytes <= most, each.blocked_since)):
        if waiting <= limits.waiting_bytes:
            break
        waiting -= each.pending_bytes
        slow.append(each)
    return slow


def _counted_as(address: str, proxies: Networks) -> str:
    """Return the network that an address counts as; an empty text if it is not counted."""
    return "" if is_shared(address, proxies) else caller_network(address)
