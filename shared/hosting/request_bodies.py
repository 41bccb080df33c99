"""Request bodies: read whole and within limits before a Function is called, as the host does."""

import asyncio
import io
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from shared.domain.errors.base import TooLarge
from shared.domain.errors.requests import NoRoomForUpload, UploadTrouble
from shared.hosting.asgi import Receive, Scope
from shared.hosting.requests import RequestHeaders, body_length

MIB = 1024 * 1024

_RATE_SECONDS = 5.0  # Rates are averaged over this time.


@dataclass(frozen=True, slots=True)
class HostLimits:
    """The bodies that one process takes in, and how long it waits for them."""

    body_bytes: int = 65 * MIB  # The largest archive, with the form around it.
    discarded_bytes: int = (
        512 * MIB
    )  # Read and discarded of a body over body_bytes, so that the client reads the answer.
    small_body_bytes: int = 64 * 1024  # Takes no room: a connection buffers as much in any case.
    anonymous_body_bytes: int = (
        5 * MIB
    )  # Of a caller who may not publish; JSON bodies have 4 MiB at most.
    large_bodies: int = (
        4  # Bodies of body_bytes in memory at once, from the first byte to the answer.
    )
    anonymous_bytes: int = 32 * MIB  # Of all bodies of callers who may not publish.
    room_seconds: float = 20.0  # How long an upload waits for room; clients give up after 30.
    grace_seconds: float = 5.0  # No rate is required of an upload for this long.
    contended_rate: int = 32 * 1024  # Bytes a second; slower uploads end when others wait.
    doubling_seconds: float = 300.0  # After this time the required average rate has doubled.
    highest_rate: int = 80 * 1024  # Bytes a second; the largest body in its time takes 74 KiB.
    answer_seconds: float = 230.0  # As long as the load balancer of the real host waits.


class BodyTooLarge(Exception):
    """The body is longer than this host takes."""


class ClientDisconnected(Exception):
    """The client disconnected before the end of its body."""


@dataclass(frozen=True, slots=True)
class BodySender:
    """Who sends a body, according to the head of the request."""

    address: str = ""  # Empty if it is not counted.
    account: str = ""  # Empty if the caller may not publish.


# Identifies the sender by the headers of a request.
IdentifySender = Callable[[Mapping[str, str]], Awaitable[BodySender]]


async def trust_every_sender(_headers: Mapping[str, str]) -> BodySender:
    """Treat every sender as one who may publish."""
    return BodySender(account="everybody")


@dataclass(eq=False, slots=True)
class _Upload:
    """A body that is being read, or waits for room."""

    length: int
    holders: tuple[str, ...]  # The account and the address that it counts for.
    rate: float  # Bytes a second, averaged over _RATE_SECONDS.
    content: io.BytesIO = field(default_factory=io.BytesIO)
    number: int = 0  # In the order in which uploads got room; the clock of the loop is too coarse.
    began: float = 0.0
    measured: int = 0  # Bytes that had been received at the last measurement.
    has_room: asyncio.Event = field(default_factory=asyncio.Event)
    timeout: asyncio.Timeout | None = None  # While its body is read.
    trouble: UploadTrouble = UploadTrouble.WAITED  # Why it got no room or lost it.

    def measure(self, seconds: float) -> None:
        """Update the rate, `seconds` after the last measurement."""
        received = self.content.tell()
        weight = min(1.0, seconds / _RATE_SECONDS)
        self.rate += ((received - self.measured) / seconds - self.rate) * weight
        self.measured = received

    def is_late(self, age: float, limits: HostLimits) -> bool:
        """Check whether less was received than the average rate for this age requires."""
        asked = limits.contended_rate * (1 + age / limits.doubling_seconds)
        return self.content.tell() < age * min(asked, limits.highest_rate)


class BodyMemory:
    """Room for bodies in memory, of which each holder gets at most a share.

    The first upload of a holder has precedence over further uploads of others: the holder with the
    least room gets room first, and while an upload waits, the holder with the most room loses it.
    """

    def __init__(self, capacity: int, share: int, limits: HostLimits) -> None:
        self._free = capacity
        self._share = share
        self._limits = limits
        self._held: dict[str, int] = {}
        self._reading: set[_Upload] = set()
        self._waiting: list[_Upload] = []
        self._swept: float | None = None
        self._numbers = itertools.count(1)

    @asynccontextmanager
    async def body(
        self, length: int, holders: tuple[str, ...], receive: Receive
    ) -> AsyncGenerator[bytes]:
        """Yield a body, which keeps its room until the block ends; raise `NoRoomForUpload`."""
        # The initial rate is high, so that no upload counts as slow before it was measured.
        upload = _Upload(length, holders, rate=2.0 * self._limits.contended_rate)
        try:
            await self._wait_for_room(upload)
            yield await self._read(upload, receive)
        finally:
            if upload.has_room.is_set():
                self._charge(upload, -upload.length)
                self._admit_waiting()

    def sweep(self, now: float) -> None:
        """Measure every upload; while others wait, end those that block them."""
        seconds = max(now - self._swept, 0.001) if self._swept else 1.0
        self._swept = now
        for upload in self._reading:
            upload.measure(seconds)
        helpless: set[tuple[str, ...]] = (
            set()
        )  # Accounts are tried once, however many uploads wait.
        while waiting := [each for each in self._waiting if each.holders[:1] not in helpless]:
            upload = min(waiting, key=self._held_for)
            if not self._make_room(upload, now):
                helpless.add(upload.holders[:1])

    async def _wait_for_room(self, upload: _Upload) -> None:
        self._waiting.append(upload)
        try:
            self._admit_waiting()
            async with asyncio.timeout(self._limits.room_seconds):
                await upload.has_room.wait()
        except TimeoutError:
            if not upload.has_room.is_set():
                raise NoRoomForUpload(upload.trouble) from None
        finally:
            if not upload.has_room.is_set():
                self._waiting.remove(upload)

    def _admit_waiting(self) -> None:
        """Give room to waiting uploads that fit: least room held first, then first come."""
        while fitting := [each for each in self._waiting if self._fits(each)]:
            self._admit(min(fitting, key=self._held_for))

    def _admit(self, upload: _Upload) -> None:
        self._waiting.remove(upload)
        self._charge(upload, upload.length)
        upload.number = next(self._numbers)
        upload.has_room.set()

    def _fits(self, upload: _Upload) -> bool:
        return upload.length <= self._free and not self._full_holders(upload)

    def _full_holders(self, upload: _Upload) -> set[str]:
        """Return the holders of the upload whose share has no room for it."""
        held = {holder: self._held.get(holder, 0) for holder in upload.holders}
        most = self._share - upload.length
        return {holder for holder, count in held.items() if count and count > most}

    def _held_for(self, upload: _Upload) -> int:
        """Return the most bytes that one of the holders of the upload has."""
        return max((self._held.get(holder, 0) for holder in upload.holders), default=0)

    def _charge(self, upload: _Upload, count: int) -> None:
        self._free -= count
        for holder in upload.holders:
            self._held[holder] = self._held.get(holder, 0) + count
            if not self._held[holder]:
                del self._held[holder]

    async def _read(self, upload: _Upload, receive: Receive) -> bytes:
        upload.began = asyncio.get_running_loop().time()
        self._reading.add(upload)
        try:
            async with asyncio.timeout(None) as upload.timeout:
                return await read_body(receive, upload.content)
        except TimeoutError:
            raise NoRoomForUpload(upload.trouble) from None
        finally:
            self._reading.discard(upload)

    def _make_room(self, waiting: _Upload, now: float) -> bool:
        """Admit a waiting upload by ending others; end none if that does not make enough room."""
        ended: list[_Upload] = []
        while not self._fits(waiting):
            if (upload := self._blocking_upload(waiting, now)) is None:
                for each in ended:
                    self._charge(each, each.length)
                self._reading.update(ended)
                return False
            self._charge(upload, -upload.length)
            self._reading.discard(upload)
            ended.append(upload)
        for each in ended:
            each.has_room.clear()  # Its room is free already.
            assert each.timeout is not None  # noqa: S101 - it is being read.
            each.timeout.reschedule(0.0)  # Now.
        self._admit(waiting)
        return True

    def _blocking_upload(self, waiting: _Upload, now: float) -> _Upload | None:
        """Return the upload to end first for one that waits, with the reason set on it."""
        full = self._full_holders(waiting)
        settled = [
            each
            for each in self._reading
            if now - each.began > self._limits.grace_seconds
            and (not full or full.intersection(each.holders))
        ]
        stalled = [each for each in settled if each.rate < self._limits.contended_rate]
        # If the share of its own account or address is full, room of others does not help.
        further = [] if full else self._further(settled, waiting)
        if further and not stalled:
            newest = max(further, key=lambda each: (self._held_for(each), each.number))
            newest.trouble = UploadTrouble.SEVERAL
            return newest
        late = [each for each in settled if each.is_late(now - each.began, self._limits)]
        slowest = min(stalled or late, key=lambda each: each.rate, default=None)
        if slowest is not None:
            slowest.trouble = UploadTrouble.SLOW
        return slowest

    def _further(self, uploads: list[_Upload], waiting: _Upload) -> list[_Upload]:
        """Return uploads whose holder has an older one too, and more room than `waiting`."""
        claim = self._held_for(waiting)
        # A first upload has precedence, whatever its size.
        claim = claim and claim + waiting.length
        oldest: dict[str, int] = {}
        for each in self._reading:
            for holder in each.holders:
                oldest[holder] = min(each.number, oldest.get(holder, each.number))
        return [
            each
            for each in uploads
            if any(each.number > oldest[h] and self._held[h] > claim for h in each.holders)
        ]


class BodyReader:
    """Reads bodies within the memory for them."""

    def __init__(self, limits: HostLimits, identify: IdentifySender = trust_every_sender) -> None:
        self.limits = limits
        self._identify = identify
        whole, rest = limits.large_bodies * limits.body_bytes, limits.anonymous_bytes
        self._publishers = BodyMemory(whole, max(limits.body_bytes, whole // 2), limits)
        self._others = BodyMemory(rest, max(limits.anonymous_body_bytes, rest // 4), limits)

    @asynccontextmanager
    async def body(self, scope: Scope, receive: Receive) -> AsyncGenerator[bytes | TooLarge]:
        """Yield a body, which keeps its room until the block ends, or why it is not read.

        Raises `BodyTooLarge` before it reads, `NoRoomForUpload` and `ClientDisconnected` later.
        """
        length = body_length(scope["headers"])
        if length > self.limits.body_bytes:
            raise BodyTooLarge
        if length <= self.limits.small_body_bytes:
            yield await read_body(receive)
            return
        sender = await self._identify(RequestHeaders.of(scope))
        if not sender.account and length > self.limits.anonymous_body_bytes:
            yield TooLarge(
                "body-not-taken",
                f"The body of the request has {length:,} bytes, and more than "
                f"{self.limits.anonymous_body_bytes:,} are taken only with a token that may "
                "publish in some organization. Send such a token, or a smaller body.",
            )
            return
        room = self._publishers if sender.account else self._others
        holders = tuple(each for each in (sender.account, sender.address) if each)
        async with room.body(length, holders, receive) as body:
            yield body

    def sweep(self, now: float) -> None:
        """Make room for waiting uploads, by rates and shares; call this once a second."""
        self._publishers.sweep(now)
        self._others.sweep(now)


async def discard_body(length: int, receive: Receive, limits: HostLimits) -> bool:
    """Read and discard a body, so that its sender reads the answer.

    Return whether all of it was read: reading stops at a limit of size and of time.
    """
    left = length
    with suppress(TimeoutError):
        async with asyncio.timeout(limits.room_seconds):
            while 0 < left <= limits.discarded_bytes:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnected
                is_last = not message.get("more_body", False)
                left = 0 if is_last else left - len(message.get("body", b""))
    return left <= 0


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
