"""TLS handshakes: connections that serve no requests yet, and count as connections.

A server of asyncio reports an encrypted connection only after its handshake, so nothing could limit
those before. So encrypted connections are accepted here.
"""

import asyncio
import socket
import ssl

from shared.hosting.http_server.connection import Connection, ServerState

_PAUSE_SECONDS = 0.1  # After an error of the system, such as too many open files.


class TlsHandshake:
    """A connection in its handshake, and the task that ends it."""

    def __init__(self, accepted: socket.socket, address: str, task: asyncio.Task[None]) -> None:
        self.address = address
        self.closing_order = (False, asyncio.get_running_loop().time())
        self._accepted = accepted
        self._task = task

    def abort(self) -> None:
        """Close the connection at once."""
        self._task.cancel()
        self._accepted.close()


class TlsListener:
    """Accepts encrypted connections; `handshakes` are those that are under way."""

    def __init__(self, server: ServerState, context: ssl.SSLContext, most_seconds: float) -> None:
        self.handshakes = set[TlsHandshake]()
        self._server = server
        self._context = context
        self._most_seconds = most_seconds

    async def accept(self, bound: socket.socket) -> None:
        """Accept the connections of a socket that listens, until cancelled."""
        loop = asyncio.get_running_loop()
        bound.setblocking(False)
        while True:
            try:
                accepted, peer = await loop.sock_accept(bound)
            except OSError:
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            task = loop.create_task(self._serve(accepted))
            handshake = TlsHandshake(accepted, str(peer[0]), task)
            self.handshakes.add(handshake)
            task.add_done_callback(lambda _, ended=handshake: self.handshakes.discard(ended))

    async def _serve(self, accepted: socket.socket) -> None:
        """Serve the requests of a connection after its handshake."""
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: Connection(self._server),
                accepted,
                ssl=self._context,
                ssl_handshake_timeout=self._most_seconds,
            )
        except OSError:  # The client has gone, is too slow, or does not use TLS.
            accepted.close()
