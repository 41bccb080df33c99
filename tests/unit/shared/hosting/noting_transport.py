"""A transport that notes what is sent, and a connection over it."""

import asyncio
from collections.abc import Iterable
from typing import Any

from shared.hosting.http_server.connection import Connection, ServerState
from shared.hosting.requests import ASGIApp


class NotingTransport(asyncio.Transport):
    """Notes each piece that is sent; after its end none may be, as on a real transport."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.sent: list[bytes] = []
        self.closed = False
        self.has_ended = False

    def write(self, data: Any) -> None:
        if self.has_ended:
            raise RuntimeError
        self.sent.append(data)

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.has_ended = True

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        """Do nothing."""

    def resume_reading(self) -> None:
        """Do nothing."""


async def answers_to(app: ASGIApp, *pieces: bytes) -> bytes:
    """Return what an application answers to a client whose bytes come in these pieces, and no
    more after them."""
    state = ServerState(app)
    transport = NotingTransport()
    connection = Connection(state)
    connection.connection_made(transport)
    for piece in pieces:
        connection.data_received(piece)
    if transport.is_closing() or not connection.eof_received():
        transport.closed = True
        connection.connection_lost(None)
    while state.tasks:
        await asyncio.gather(*state.tasks)
        await asyncio.sleep(0)  # Callbacks remove the tasks that are done.
    return b"".join(transport.sent)
