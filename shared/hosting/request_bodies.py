"""Request bodies: read whole and within limits before a Function is called, as the host does.

A larger body is answered with `TooLarge`. What an operation may take is in `body_sizes.py`."""

import asyncio
import io
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from msgspec import Struct, field

from shared.domain.body_sizes import MAX_BODY_BYTES
from shared.domain.errors.base import TooLarge
from shared.domain.errors.requests import NoRoomForUpload, UploadTrouble
from shared.hosting.requests import Receive, RequestHeaders, Scope, body_length

MIB = 1024 * 1024


class HostLimits(Struct, frozen=True):
    """The bodies that one process takes in, and how long it waits for them."""

    body_bytes: int = 65 * MIB  # The largest archive, with the form around it.
    # Such bodies need no reserved memory: a connection buffers as much in any case.
    small_body_bytes: int = 64 * 1024
    anonymous_body_bytes: int = MAX_BODY_BYTES  # The body of a caller who may not publish.
    # Bodies of `body_bytes` in memory at once, from the first byte to the answer.
    large_bodies: int = 4
    anonymous_bytes: int = 32 * MIB  # Bodies in memory of all callers who may not publish.
    room_seconds: float = 20.0  # How long an upload waits for room; clients give up after 30.
    grace_seconds: float = 5.0  # No rate is required of an upload for this long.
    contended_rate: int = 32 * 1024  # Bytes a second; slower uploads end when others wait.
    answer_seconds: float = 230.0  # As long as the load balancer of the real host waits.


class ClientDisconnected(Exception):
    """The client disconnected before the end of its body."""


class BodySender(Struct, frozen=True):
    """Who sends a body, according to the head of the request."""

    address: str = ""  # Empty if it is not counted.
    account: str = ""  # Empty if the caller may not send an archive there.
    # The limit of a body without an archive at this path, if it is higher than at others.
    most_bytes: int = 0


# Identifies the sender by the headers and the path of a request.
IdentifySender = Callable[[Mapping[str, str], str], Awaitable[BodySender]]


async def trust_every_sender(_headers: Mapping[str, str], _path: str) -> BodySender:
    """Treat every sender as one who may publish."""
    return BodySender(account="everybody")


class _Upload(Struct, eq=False):
    """A body that is being read, or waits for room."""

    length: int
    shares: Mapping[str, int]  # The bytes that its account and its address may hold.
    content: io.BytesIO = field(default_factory=io.BytesIO)
    began: float = 0.0
    timeout: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(None))

    def is_late(self, now: float, limits: HostLimits) -> bool:
        """Check whether it is slower, on average, than it may be while others wait."""
        paced = now - self.began - limits.grace_seconds
        return self.content.tell() < paced * limits.contended_rate


class BodyMemory:
    """Room for bodies in memory, of which each account and each address gets at most a share."""

    def __init__(self, capacity: int, limits: HostLimits) -> None:
        self._free = capacity
        self._limits = limits
        self._held = Counter[str]()
        self._reading: set[_Upload] = set()
        self._waiting: set[_Upload] = set()
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def body(
        self, length: int, shares: Mapping[str, int], receive: Receive
    ) -> AsyncGenerator[bytes]:
        """Yield a body, which keeps its room until the block ends; raise `NoRoomForUpload`."""
        upload = _Upload(length, shares)
        await self._wait_for_room(upload)
        self._charge(upload, length)
        try:
            yield await self._read(upload, receive)
        finally:
            self._charge(upload, -length)
            self._freed.set()
            self._freed = asyncio.Event()

    def sweep(self, now: float) -> None:
        """End slow uploads that keep room from one that waits."""
        late = [each for each in self._reading if each.is_late(now, self._limits)]
        for waiting in self._waiting if late else ():
            # If the share of its own account or address is full, room of others does not help.
            full = self._full_shares(waiting)
            for upload in late:
                if not full or full.intersection(upload.shares):
                    upload.timeout.reschedule(0.0)  # Now.

    async def _wait_for_room(self, upload: _Upload) -> None:
        self._waiting.add(upload)
        try:
            async with asyncio.timeout(self._limits.room_seconds):
                while upload.length > self._free or self._full_shares(upload):
                    await self._freed.wait()
        except TimeoutError:
            full = self._full_shares(upload)
            raise NoRoomForUpload(UploadTrouble.SEVERAL if full else UploadTrouble.WAITED) from None
        finally:
            self._waiting.discard(upload)

    def _full_shares(self, upload: _Upload) -> set[str]:
        """Return the account and address whose share has no room for the upload."""
        held = self._held
        return {key for key, most in upload.shares.items() if held[key] + upload.length > most}

    def _charge(self, upload: _Upload, count: int) -> None:
        self._free -= count
        self._held.update(dict.fromkeys(upload.shares, count))
        self._held = +self._held  # Without those that hold nothing.

    async def _read(self, upload: _Upload, receive: Receive) -> bytes:
        upload.began = asyncio.get_running_loop().time()
        self._reading.add(upload)
        try:
            async with upload.timeout:
                return await read_body(receive, upload.content)
        except TimeoutError:
            raise NoRoomForUpload(UploadTrouble.SLOW) from None
        finally:
            self._reading.discard(upload)


class BodyReader:
    """Reads bodies within the memory for them."""

    def __init__(self, limits: HostLimits, identify: IdentifySender = trust_every_sender) -> None:
        self.limits = limits
        self._identify = identify
        self._publishers = BodyMemory(limits.large_bodies * limits.body_bytes, limits)
        self._others = BodyMemory(limits.anonymous_bytes, limits)

    @asynccontextmanager
    async def body(self, scope: Scope, receive: Receive) -> AsyncGenerator[bytes | TooLarge]:
        """Yield the body and hold its memory until the block ends.

        Yield `TooLarge` if the sender may not send this much, and empty bytes above `body_bytes`,
        where the operation refuses by `Content-Length`. What is not read is ignored as it arrives.

        Raises `NoRoomForUpload` and `ClientDisconnected`.
        """
        length = body_length(scope["headers"])
        if length > self.limits.body_bytes:
            yield b""
            return
        if length <= self.limits.small_body_bytes:
            yield await read_body(receive)
            return
        sender = await self._identify(RequestHeaders.of(scope), scope["path"])
        most = max(self.limits.anonymous_body_bytes, sender.most_bytes)
        if not sender.account and length > most:
            yield TooLarge(
                "body-not-taken",
                f"The body of the request has {length:,} bytes, and more than {most:,} are taken "
                "only with a token that may publish in some organization. Send such a token, or a "
                "smaller body.",
            )
            return
        if sender.account:  # One of the largest bodies; two for an address.
            room = self._publishers
            shares = {sender.account: self.limits.body_bytes}
            of_address = self.limits.body_bytes * max(self.limits.large_bodies // 2, 1)
        else:
            room = self._others
            shares = {}
            of_address = max(most, self.limits.anonymous_bytes // 4)
        if sender.address:
            shares[sender.address] = of_address
        async with room.body(length, shares, receive) as body:
            yield body

    def sweep(self, now: float) -> None:
        """End slow uploads that keep others waiting; call this once a second."""
        self._publishers.sweep(now)
        self._others.sweep(now)


async def read_body(receive: Receive, whole: io.BytesIO | None = None) -> bytes:
    """Return the whole body; raise `ClientDisconnected` if the client disconnects first."""
    # BytesIO returns its buffer without a copy, so 64 MiB take 64 MiB.
    whole = io.BytesIO() if whole is None else whole
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        whole.write(message.get("body", b""))
        more = message.get("more_body", False)
    return whole.getvalue()
