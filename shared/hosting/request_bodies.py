"""Request bodies: read whole and within limits before a Function is called, as the host does."""

import asyncio
import io
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from shared.domain.errors.requests import BodyNotTaken, NoRoomForUpload, UploadTrouble
from shared.hosting.asgi import Receive, Scope
from shared.hosting.requests import RequestHeaders

MIB = 1024 * 1024

_RATE_SECONDS = 5.0  # So long a pause of a client counts little.


@dataclass(frozen=True, slots=True)
class HostLimits:
    """What one process takes in and puts up with."""

    body_bytes: int = 65 * MIB  # The largest archive, and what a form wraps around it.
    discarded_bytes: int = 512 * MIB  # Above body_bytes this much is read, to be answered.
    small_body_bytes: int = 64 * 1024  # Needs no room: a connection buffers as much anyway.
    anonymous_body_bytes: int = 5 * MIB  # Of a caller who may not publish; JSON has 4 MiB at most.
    large_bodies: int = 4  # Largest bodies in hand at once, from the first byte to the answer.
    anonymous_bytes: int = 32 * MIB  # Of all bodies of callers who may not publish.
    room_seconds: float = 20.0  # How long an upload waits for room; clients give up after 30.
    grace_seconds: float = 5.0  # How long an upload is not measured.
    contended_rate: int = 32 * 1024  # Bytes a second; below it an upload makes room for others.
    doubling_seconds: float = 300.0  # After so long an upload needs twice that rate on average.
    most_asked: int = 80 * 1024  # Bytes a second: the largest body in its time takes 74 KiB.
    answer_seconds: float = 230.0  # The load balancer before the real host waits no longer.


class BodyTooLarge(Exception):
    """The body is longer than this host takes."""


class ClientDisconnected(Exception):
    """The client went away before its body was there."""


@dataclass(frozen=True, slots=True)
class BodySender:
    """Who sends a body, as far as the head of the request tells."""

    address: str = ""  # Empty: not counted.
    account: str = ""  # Of somebody who may publish; else empty.


IdentifySender = Callable[
    [Mapping[str, str]], Awaitable[BodySender]
]  # By the headers of a request.


async def anonymous_sender(_headers: Mapping[str, str]) -> BodySender:
    """Treat every sender as one who may publish."""
    return BodySender(account="everybody")


def body_length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Return the announced length; a body without one arrives empty, so that is 0."""
    for name, value in headers:
        if name == b"content-length":
            return int(value)
    return 0


@dataclass(eq=False, slots=True)
class _Upload:
    """A body that has room, or waits for it."""

    length: int
    holders: tuple[str, ...]  # Who is charged for it.
    rate: float  # Bytes a second, of late.
    content: io.BytesIO = field(default_factory=io.BytesIO)
    number: int = 0  # In the order of those that got room; clocks of loops are too coarse for it.
    began: float = 0.0
    measured: int = 0  # Bytes that had been received at the last measurement.
    has_room: asyncio.Event = field(default_factory=asyncio.Event)
    timeout: asyncio.Timeout | None = None  # While its body is read.
    trouble: UploadTrouble = UploadTrouble.WAITED  # Why it has no room, if it has none.

    def measure(self, seconds: float) -> None:
        """Bring the rate up to date, `seconds` after the last measurement."""
        received = self.content.tell()
        weight = min(1.0, seconds / _RATE_SECONDS)
        self.rate += ((received - self.measured) / seconds - self.rate) * weight
        self.measured = received

    def is_late(self, age: float, limits: HostLimits) -> bool:
        """Tell whether less has come than an upload of that age has to bring on average."""
        asked = limits.contended_rate * (1 + age / limits.doubling_seconds)
        return self.content.tell() < age * min(asked, limits.most_asked)


class BodyMemory:
    """Bytes of bodies in hand at once, of which one holder gets a share.

    The first upload of a holder has precedence over further ones of others: who holds least is let
    in first, and while somebody waits, who holds most gives room back.
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
        """Yield a body that stays in hand until the block ends; raise `NoRoomForUpload`."""
        # Nobody is taken for slow before there was time to see it.
        upload = _Upload(length, holders, rate=2.0 * self._limits.contended_rate)
        try:
            await self._wait_for_room(upload)
            yield await self._read(upload, receive)
        finally:
            if upload.has_room.is_set():
                self._charge(upload, -upload.length)
                self._let_in()

    def sweep(self, now: float) -> None:
        """Measure every upload; while others wait, end those that are in their way."""
        seconds = max(now - self._swept, 0.001) if self._swept else 1.0
        self._swept = now
        for upload in self._reading:
            upload.measure(seconds)
        helpless: set[tuple[str, ...]] = set()  # One look at an account, however many wait for it.
        while waiting := [each for each in self._waiting if each.holders[:1] not in helpless]:
            upload = min(waiting, key=self._held_for)
            if not self._make_room(upload, now):
                helpless.add(upload.holders[:1])

    async def _wait_for_room(self, upload: _Upload) -> None:
        self._waiting.append(upload)
        try:
            self._let_in()
            async with asyncio.timeout(self._limits.room_seconds):
                await upload.has_room.wait()
        except TimeoutError:
            if not upload.has_room.is_set():
                raise NoRoomForUpload(upload.trouble) from None
        finally:
            if not upload.has_room.is_set():
                self._waiting.remove(upload)

    def _let_in(self) -> None:
        """Give room to those who wait and fit: to who holds least, then to who came first."""
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
        """Return those charged for the upload who hold so much that it has to wait."""
        held = {holder: self._held.get(holder, 0) for holder in upload.holders}
        most = self._share - upload.length
        return {holder for holder, count in held.items() if count and count > most}

    def _held_for(self, upload: _Upload) -> int:
        """Return the most that one of those holds who are charged for the upload."""
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
        """Let in one that waits by ending others; end none if it would not fit even so."""
        ended: list[_Upload] = []
        while not self._fits(waiting):
            if (upload := self._in_the_way(waiting, now)) is None:
                for each in ended:
                    self._charge(each, each.length)
                self._reading.update(ended)
                return False
            self._charge(upload, -upload.length)
            self._reading.discard(upload)
            ended.append(upload)
        for each in ended:
            each.has_room.clear()  # It is charged for no longer.
            assert each.timeout is not None  # noqa: S101 - it is being read.
            each.timeout.reschedule(0.0)  # Now.
        self._admit(waiting)
        return True

    def _in_the_way(self, waiting: _Upload, now: float) -> _Upload | None:
        """Return the upload to end first for one that waits; note on it why."""
        full = self._full_holders(waiting)
        settled = [
            each
            for each in self._reading
            if now - each.began > self._limits.grace_seconds
            and (not full or full.intersection(each.holders))
        ]
        stalled = [each for each in settled if each.rate < self._limits.contended_rate]
        # Where its own account or address is full, room of others would not help it.
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
        """Return those beside an older one of a holder who has more than the one that waits."""
        claim = self._held_for(waiting)
        claim = claim and claim + waiting.length  # A first upload has precedence whatever its size.
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
    """Reads bodies, never more at once than there is room for."""

    def __init__(self, limits: HostLimits, identify: IdentifySender = anonymous_sender) -> None:
        self.limits = limits
        self._identify = identify
        whole, rest = limits.large_bodies * limits.body_bytes, limits.anonymous_bytes
        self._publishers = BodyMemory(whole, max(limits.body_bytes, whole // 2), limits)
        self._others = BodyMemory(rest, max(limits.anonymous_body_bytes, rest // 4), limits)

    @asynccontextmanager
    async def body(self, scope: Scope, receive: Receive) -> AsyncGenerator[bytes | BodyNotTaken]:
        """Yield a body that stays in hand until the block ends, or why it is not read.

        Raise `TooLarge` before anything is read, `NoRoomForUpload` or `ClientDisconnected` later.
        """
        length = body_length(scope["headers"])
        if length > self.limits.body_bytes:
            raise BodyTooLarge
        if length <= self.limits.small_body_bytes:
            yield await read_body(receive)
            return
        sender = await self._identify(RequestHeaders.of(scope))
        if not sender.account and length > self.limits.anonymous_body_bytes:
            yield BodyNotTaken(length, self.limits.anonymous_body_bytes)
            return
        room = self._publishers if sender.account else self._others
        holders = tuple(each for each in (sender.account, sender.address) if each)
        async with room.body(length, holders, receive) as body:
            yield body

    def sweep(self, now: float) -> None:
        """Make room for those who wait, by rates and shares; to be called once a second."""
        self._publishers.sweep(now)
        self._others.sweep(now)


async def discard_body(length: int, receive: Receive, limits: HostLimits) -> bool:
    """Read a body that is kept nowhere, so that its sender comes to read the answer.

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
    """Return the whole body; raise `ClientDisconnected` when the client goes away before its
    end.
    """
    # BytesIO hands its buffer over without a copy, so 64 MiB take 64 MiB.
    whole = io.BytesIO() if whole is None else whole
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        whole.write(message.get("body", b""))
        more = message.get("more_body", False)
    return whole.getvalue()
