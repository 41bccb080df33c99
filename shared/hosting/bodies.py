"""Request bodies: read whole, within limits, as the host does before it calls a Function."""

import asyncio
import io
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from starlette.types import Receive

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process takes in and puts up with."""

    body_bytes: int = 65 * MIB  # The largest archive, and what a form wraps around it.
    discarded_bytes: int = 512 * MIB  # Above body_bytes this much is read, to be answered.
    large_body_bytes: int = 1 * MIB  # Above this a body is large and needs room.
    large_bodies: int = 4  # Large bodies in hand at once, from the first byte to the answer.
    room_seconds: float = 20.0  # How long an upload waits for room; clients give up after 30.
    answer_seconds: float = 230.0  # The load balancer before the real host waits no longer.


class TooLarge(Exception):
    """The body is longer than this host takes."""


class NoRoom(Exception):
    """As many large bodies are in hand as this process holds."""


class Disconnected(Exception):
    """The client went away before its body was there."""


def body_length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Return the announced length; a body without one arrives empty, so that is 0."""
    for name, value in headers:
        if name == b"content-length":
            return int(value)
    return 0


class Intake:
    """Reads bodies, never more large ones at once than there is room for."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._room = asyncio.Semaphore(limits.large_bodies)

    @asynccontextmanager
    async def body(self, length: int, receive: Receive) -> AsyncGenerator[bytes]:
        """Yield a body that stays in hand until the block ends.

        Raise `TooLarge` or `NoRoom` before anything is read, `Disconnected` later.
        """
        if length > self.limits.body_bytes:
            raise TooLarge
        if length <= self.limits.large_body_bytes:
            yield await read_body(receive)
            return
        await self._wait_for_room()
        try:
            yield await read_body(receive)
        finally:
            self._room.release()

    async def _wait_for_room(self) -> None:
        try:
            await asyncio.wait_for(self._room.acquire(), self.limits.room_seconds)
        except TimeoutError:
            raise NoRoom from None


async def discard_body(length: int, receive: Receive, limits: Limits) -> bool:
    """Read a body that is kept nowhere, so that its sender comes to read the answer.

    Tell whether all of it was read: neither what has no end nor what takes too long is.
    """
    left = length
    with suppress(TimeoutError):
        async with asyncio.timeout(limits.room_seconds):
            while 0 < left <= limits.discarded_bytes:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Disconnected
                left -= len(message.get("body", b""))
    return left <= 0


async def read_body(receive: Receive) -> bytes:
    """Return the whole body; raise `Disconnected` when the client goes away before its end."""
    # BytesIO hands its buffer over without a copy, so 64 MiB take 64 MiB.
    whole = io.BytesIO()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        whole.write(message.get("body", b""))
        more = message.get("more_body", False)
    return whole.getvalue()
