"""What verification and audits read from a registry: few bytes, and of no other server."""

from __future__ import annotations

import gzip
import io
import json
import threading
import time
import urllib.request
import zlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse
from typing import TYPE_CHECKING, Any

from shared.script_client import (
    LARGEST_ANSWER_BYTES,
    EndlessAnswer,
    HttpAnswer,
    flaw_of_address,
    is_token,
    opener_of,
    send,
    send_with_retries,
    unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    Asked = tuple[str, int]

TIMEOUT_S = 30.0  # Seconds without a received byte.
LONGEST_ANSWER_S = 120.0  # The limit for a whole answer, for servers that send a byte now and then.
AT_ONCE = 8  # Requests at once.
READ_AHEAD = 32  # Answers that may wait in memory, and fewer of those that may be large.
READ_AHEAD_BYTES = 300_000_000
TRIES = 4
LONGEST_PAUSE_S = 60.0  # If the server asks for a longer pause, the request is not repeated.
_MISSING = (404, 410)


class NotAsked(Exception):
    """Nothing can be said, since something was not read; the text is a sentence that says why."""


class _TimedStream(io.RawIOBase):
    """Bytes of a connection, which end within `LONGEST_ANSWER_S`. The timeout of a socket ends
    only a server that sends nothing at all."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw
        self._ends = time.monotonic() + LONGEST_ANSWER_S

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what has come; raise `EndlessAnswer`."""
        if time.monotonic() > self._ends:
            raise EndlessAnswer
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(HTTPResponse):
    """An answer whose headers and body end in time, or raise `EndlessAnswer`."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.fp: Any = io.BufferedReader(_TimedStream(self.fp.detach()))


class _TimedHandler(urllib.request.AbstractHTTPHandler):
    """Opens connections whose answers end in time."""

    def do_open(self, http_class: Callable[..., HTTPConnection], *request: Any, **more: Any) -> Any:
        """Open a request with a connection of the given kind."""

        def connection(*arguments: Any, **settings: Any) -> HTTPConnection:
            made = http_class(*arguments, **settings)
            made.response_class = _TimedResponse
            return made

        return super().do_open(connection, *request, **more)  # type: ignore[arg-type]


class _TimedHTTPHandler(_TimedHandler, urllib.request.HTTPHandler):
    """The same for http."""


class _TimedHTTPSHandler(_TimedHandler, urllib.request.HTTPSHandler):
    """The same for https."""


class RegistryClient:
    """Reads what a registry has, several at once. It sends its token only to the given
    address."""

    def __init__(self, address: str, token: str, program: str = "ballroom-verify") -> None:
        if flaw := flaw_of_address(address, has_token=bool(token)):
            raise NotAsked(flaw)
        if token and not is_token(token):
            message = "The token is no access token. Copy it from the page that showed it."
            raise NotAsked(message)
        self.address = address.rstrip("/")
        self._token = token
        self._program = program
        self._opener = opener_of(address, _TimedHTTPHandler, _TimedHTTPSHandler)
        self._is_closed = threading.Event()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="registry")

    @property
    def has_token(self) -> bool:
        return bool(self._token)

    def wait(self, seconds: float) -> None:
        self._is_closed.wait(seconds)

    def close(self) -> None:
        """Ask for nothing more; the end of the program waits for the requests that were sent."""
        self._is_closed.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def read(
        self, path: str, limit: int = LARGEST_ANSWER_BYTES, *, query: object = None
    ) -> bytes | None:
        """Return what the registry has at a path; None if it has nothing there. Raise `NotAsked`,
        also for an answer of more than `limit` bytes. A query is posted as JSON; it changes
        nothing, so it may be repeated."""
        url = f"{self.address}/{path}"

        def pause(why: HttpAnswer | Exception, seconds: float) -> None:
            if self._is_closed.wait(seconds):
                raise _failure(url, why)

        answer = send_with_retries(
            lambda: self._request(url, query),
            lambda request: self._read_once(request, limit),
            tries=TRIES,
            longest_pause_s=LONGEST_PAUSE_S,
            pause=pause,
        )
        if isinstance(answer, Exception):
            raise _failure(url, answer)
        if answer.status in _MISSING:
            return None
        if not answer.is_good:
            raise _failure(url, answer)
        is_packed = answer.headers.get("Content-Encoding") == "gzip"
        return _unpacked(answer.content, url, limit) if is_packed else answer.content

    def read_all(self, paths: Iterable[str], limit: int) -> Iterator[bytes | None]:
        """Read several files, and yield them in the order of the paths."""
        ahead = min(READ_AHEAD, READ_AHEAD_BYTES // limit)
        waiting: deque[Future[bytes | None]] = deque()
        for path in paths:
            waiting.append(self._pool.submit(self.read, path, limit))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _request(self, url: str, query: object) -> urllib.request.Request:
        headers = {"User-Agent": self._program, "Accept-Encoding": "gzip, identity"}
        body = None if query is None else json.dumps(query).encode()
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        # A cache may have an older checkpoint, which would look like a log that went back.
        headers["Cache-Control"] = "no-cache"
        return urllib.request.Request(url, body, headers)  # noqa: S310 - the scheme was checked.

    def _read_once(self, request: urllib.request.Request, limit: int) -> HttpAnswer:
        try:
            answer = send(self._opener, request, timeout_s=TIMEOUT_S, limit=limit + 1)
        except EndlessAnswer as error:
            raise _failure(request.full_url, error) from None  # It is not asked again.
        if answer.is_good and len(answer.content) > limit:
            raise _too_long(request.full_url, limit)
        if answer.is_cut:
            message = "its answer ended early"
            raise ConnectionError(message)
        return answer


def _too_long(url: str, limit: int) -> NotAsked:
    return NotAsked(f"{url} answered more than {limit:,} bytes, which is too many.")


def _unpacked(content: bytes, url: str, limit: int) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            unpacked = packed.read(limit + 1)
    except (EOFError, OSError, zlib.error):
        message = f"{url} answered bytes that cannot be unpacked."
        raise NotAsked(message) from None
    if len(unpacked) > limit:
        raise _too_long(url, limit)
    return unpacked


def _failure(url: str, why: HttpAnswer | Exception) -> NotAsked:
    """Return the exception for an answer that refuses, or for none at all."""
    if isinstance(why, EndlessAnswer):
        sentence = f"{url} did not end its answer within {LONGEST_ANSWER_S:g} seconds."
    elif isinstance(why, Exception):
        sentence = unreachable(url, why)
    elif 300 <= why.status < 400:  # noqa: PLR2004 - redirects.
        sentence = f"{url} leads to another address, which is not followed."
    else:
        sentence = f"{url} answered {why.status}. {why.refusal}".rstrip()
    return NotAsked(f"{sentence} Check the address, or try again later.")
