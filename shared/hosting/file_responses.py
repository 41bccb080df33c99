"""Files as answers, streamed from the disk with validators and ranges, and the redirects to them
that are followed here.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct, field
from msgspec.structs import replace

from shared.hosting.requests import (
    CACHE_POLICY,
    MalformedPath,
    Message,
    Receive,
    RequestHeaders,
    RequestQuery,
    Scope,
    Send,
    decode_path,
)
from shared.hosting.responses import FileContent, HostResponse, RawHeaders, Respond
from shared.runtime.answers import AnswerCachePolicy
from shared.runtime.conditional_requests import Selected, select
from shared.telemetry.log import log

CHUNK = 1024 * 1024  # Four times as fast as the usual 64 KiB.
SMALL_CHUNK = 64 * 1024  # While slow clients use all of MAX_BUFFERED_BYTES.
MAX_BUFFERED_BYTES = 32 * CHUNK  # Read from files and not yet sent, for all clients together.
INLINE_READ_BYTES = 128 * 1024  # Takes 5 microseconds on the loop, and 40 in a thread.


class FileRefusal(Struct, frozen=True):
    """An answer instead of the file."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""


# Called once for an answer that is not a refusal of the file, with its status; returns how it may
# be cached, and None if it must not be.
AnsweredFile = Callable[[int], AnswerCachePolicy | None]


class FileResponse(Struct, frozen=True):
    """A file to send; `headers` are its type and how it may be cached.

    Either `answered` is called with the status, or, if the file cannot be sent, one of the other
    two makes the answer: `refuse_damaged` if it is missing or has another size, and `refuse_failed`
    while any other exception is handled.
    """

    path: Path
    size: int
    etag: str  # With its quotes.
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    answered: AnsweredFile = lambda _: None
    refuse_damaged: Callable[[], FileRefusal] = lambda: FileRefusal(500)
    refuse_failed: Callable[[], FileRefusal] = lambda: FileRefusal(500)


FileResolver = Callable[
    [Sequence[str], Mapping[str, str], Mapping[str, str]], Awaitable[FileResponse | FileRefusal]
]


class FileChanged(Exception):
    """The file does not have the size of its record."""


class FileMiddleware:
    """Serves GET and HEAD under a prefix from the disk, and passes on other requests."""

    def __init__(self, respond: Respond, prefix: str, segments: int, resolve: FileResolver) -> None:
        self._respond = respond
        self._prefix = prefix
        self._raw_prefix = prefix.encode("ascii")
        self._segments = segments
        self._resolve = resolve

    def __call__(self, scope: Scope, receive: Receive) -> Awaitable[HostResponse]:
        segments = self._claimed(scope)
        return self._respond(scope, receive) if segments is None else self._file(segments, scope)

    async def _file(self, segments: Sequence[str], scope: Scope) -> HostResponse:
        headers = RequestHeaders.of(scope)
        query = RequestQuery.of(scope)
        resolved = await self._resolve(segments, query, headers)
        method: str = scope["method"]
        if isinstance(resolved, FileRefusal):
            return _refusal(resolved, method)
        selected = select(headers, tag=resolved.etag, length=resolved.size, method=method)
        sent = _raw(selected.headers(_described(resolved)))
        if selected.is_refusal:
            resolved.answered(selected.status)
            return HostResponse(selected.status, sent)
        if method == "HEAD" or not selected.span:
            cache_policy = resolved.answered(selected.status)
            return HostResponse(selected.status, sent, cache_policy=cache_policy)
        return _selected(resolved, selected, sent)

    def _claimed(self, scope: Scope) -> Sequence[str] | None:
        raw: bytes = scope["raw_path"]
        begins = raw[: len(self._raw_prefix)].lower() == self._raw_prefix
        if not begins or scope["method"] not in ("GET", "HEAD"):
            return None
        try:
            path = decode_path(raw)
        except MalformedPath:
            return None
        if not path.lower().startswith(self._prefix):  # Dots led elsewhere.
            return None
        # One slash at the end is ignored, as in routes.
        segments = path[len(self._prefix) :].removesuffix("/").split("/")
        return segments if len(segments) == self._segments and all(segments) else None


# --- What is sent ------------------------------------------------------------------------------

_END: Message = {"type": "http.response.body", "body": b""}


class ResponseSender:
    """Sends responses, and files in pieces: in smaller ones while slow clients use all of the
    buffer."""

    def __init__(self) -> None:
        self._buffered = 0

    async def send(
        self, response: HostResponse, headers: RawHeaders, receive: Receive, send: Send
    ) -> None:
        """Send a response with these headers; stop when the client disconnects."""
        start: Message = {
            "type": "http.response.start",
            "status": response.status,
            "headers": headers,
        }
        if response.cache_policy is not None:
            start[CACHE_POLICY] = response.cache_policy
        content = response.content
        if content is None:
            await send(start)
            await send({"type": "http.response.body", "body": response.body})
            return
        with content.file:
            await send(start)
            await self._send_content(content, receive, send)

    async def _send_content(self, content: FileContent, receive: Receive, send: Send) -> None:
        left = content.length
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            while left and not gone.done():
                left -= await self._send_next(content.file, left, send)
            if not left:
                await send(_END)
        finally:
            gone.cancel()

    async def _send_next(self, content: BinaryIO | BufferedIOBase, left: int, send: Send) -> int:
        most = CHUNK if self._buffered + CHUNK <= MAX_BUFFERED_BYTES else SMALL_CHUNK
        count = min(most, left)
        self._buffered += count
        try:
            chunk = await _read(content, count)
            if not chunk:
                raise FileChanged
            await send(_piece(chunk))
            # The server takes one piece at once, and the next when the client has read most of it.
            await send(_piece(b""))
        finally:
            self._buffered -= count
        return len(chunk)


def _piece(content: bytes) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": True}


def _selected(file: FileResponse, selected: Selected, headers: RawHeaders) -> HostResponse:
    try:
        sent = _content(file, selected.span)
    except (FileNotFoundError, FileChanged):
        # There is a record of the file, so this is damage and not a 404.
        log.exception("file.damaged", path=file.path.name)
        return _refusal(file.refuse_damaged(), "GET")
    except OSError:
        return _refusal(file.refuse_failed(), "GET")
    cache_policy = file.answered(selected.status)
    if isinstance(sent, FileContent):
        return HostResponse(selected.status, headers, content=sent, cache_policy=cache_policy)
    return HostResponse(selected.status, headers, sent, cache_policy=cache_policy)


def _content(file: FileResponse, span: range) -> bytes | FileContent:
    """Return the bytes of the span, or, where they are many, the open file at their beginning."""
    content = _open(file)
    try:
        content.seek(span.start)
        if len(span) > INLINE_READ_BYTES:
            return FileContent(content, len(span))
        read = content.read(len(span))
    except BaseException:
        content.close()
        raise
    content.close()
    return read


def _open(file: FileResponse) -> BinaryIO:
    content = file.path.open("rb", buffering=0)
    if os.fstat(content.fileno()).st_size != file.size:
        content.close()
        raise FileChanged
    return content


async def _read(content: BinaryIO | BufferedIOBase, count: int) -> bytes:
    """Return the next bytes; a thread reads them if they are not in the cache of the system."""
    if _is_in_memory(content, count):
        await asyncio.sleep(0)  # Other tasks run between two chunks.
        return content.read(count)
    return await asyncio.to_thread(content.read, count)


if sys.platform == "linux":

    def _is_in_memory(content: BinaryIO | BufferedIOBase, count: int) -> bool:
        """Check whether the first and the last of the bytes are in the cache of the system."""
        at = content.tell()
        probe = bytearray(1)
        try:
            for where in (at, at + count - 1):
                os.preadv(content.fileno(), [probe], where, os.RWF_NOWAIT)
        except OSError:
            return False
        return True

else:

    def _is_in_memory(content: BinaryIO | BufferedIOBase, count: int) -> bool:  # noqa: ARG001 - as above.
        """Return False: other systems cannot tell."""
        return False


async def _disconnected(receive: Receive) -> None:
    """Return when the client disconnects, which sending to it does not report."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _refusal(refused: FileRefusal, method: str) -> HostResponse:
    headers = [*_raw(refused.headers), (b"content-length", b"%d" % len(refused.body))]
    return HostResponse(refused.status, headers, b"" if method == "HEAD" else refused.body)


def _described(file: FileResponse) -> Mapping[str, str]:
    return {"ETag": file.etag, "Accept-Ranges": "bytes", **file.headers}


def _raw(headers: Mapping[str, str]) -> RawHeaders:
    return [
        (name.lower().encode("ascii"), value.encode("ascii")) for name, value in headers.items()
    ]


# --- Redirects to files ----------------------------------------------------------------------

_FOUND = HTTPStatus.FOUND  # Looked up once, as in conditional_requests.py.


class FollowedRedirects(Struct, frozen=True):
    """Redirects below a path to the address of this registry."""

    below: str
    address: str  # Without a slash at its end.


class RedirectFollower:
    """Answers a redirect to this host with the answer of its target.

    The redirecting Function has checked rights, counted and signed, so nothing is checked here.
    """

    def __init__(self, respond: Respond, shortcut: FollowedRedirects) -> None:
        self._respond = respond
        self._below = shortcut.below.encode("ascii")
        self._address = shortcut.address.encode("ascii")

    def __call__(self, scope: Scope, receive: Receive) -> Awaitable[HostResponse]:
        if scope["raw_path"].startswith(self._below):
            return self._follow(scope, receive)
        return self._respond(scope, receive)

    async def _follow(self, scope: Scope, receive: Receive) -> HostResponse:
        redirect = await self._respond(scope, receive)
        target = self._target(scope, redirect)
        if target is None:
            return redirect
        response = await self._respond(target, receive)
        # A cache hit of both is one request, which is recorded as a hit of the redirect.
        return replace(
            response, cache_policy=redirect.cache_policy if response.cache_policy else None
        )

    def _target(self, scope: Scope, redirect: HostResponse) -> Scope | None:
        """Return the request for the target of a response, if it is a redirect to this host."""
        if redirect.status != _FOUND:
            return None
        location = dict(redirect.headers).get(b"location", b"")
        if not location.startswith(self._address + b"/"):
            return None
        raw_path, _, query = location.removeprefix(self._address).partition(b"?")
        path = raw_path.decode("ascii")
        return {**scope, "raw_path": raw_path, "path": path, "query_string": query}
