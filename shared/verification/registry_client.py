"""What verification reads from a registry: few bytes of an answer, and of no other server."""

from __future__ import annotations

import gzip
import io
import time
import urllib.error
import urllib.request
import zlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from shared.script_client import (
    LARGEST_ANSWER_BYTES,
    UNREACHABLE,
    flaw_of_address,
    is_token,
    opener_of,
    read_object,
    sentence_of_refusal,
    unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from typing import IO

    Asked = tuple[str, int]

TIMEOUT_S = 30.0  # Without a byte.
LONGEST_ANSWER_S = 120.0  # In all: a server that sends a byte now and then is given up.
CHUNK_BYTES = 65_536
AT_ONCE = 8  # Requests.
READ_AHEAD = 32  # Answers that may wait in memory.
TRIES = 4
FIRST_PAUSE_S = 1.0  # Doubled with every try.
LONGEST_PAUSE_S = 60.0  # Also of what the server asks for.
_BUSY = (429, 502, 503, 504)
_MISSING = (404, 410)


class NotAsked(Exception):
    """Nothing can be said, since something was not read; the text is a sentence that says why."""


class RegistryClient:
    """Reads files of a registry, several at once. It sends its token to the given address alone."""

    def __init__(
        self, address: str, token: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        if flaw := flaw_of_address(address, has_token=bool(token)):
            raise NotAsked(flaw)
        if token and not is_token(token):
            message = "The token is no access token. Copy it from the page that showed it."
            raise NotAsked(message)
        self.address = address.rstrip("/")
        self._token = token
        self._opener = opener_of(address)
        self._sleep = sleep
        self._pool = ThreadPoolExecutor(AT_ONCE)

    @property
    def has_token(self) -> bool:
        return bool(self._token)

    def wait(self, seconds: float) -> None:
        self._sleep(seconds)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def read(self, path: str, limit: int = LARGEST_ANSWER_BYTES) -> bytes | None:
        """Return what the registry has at a path; None if it has nothing there. Raise `NotAsked`,
        also for an answer of more than `limit` bytes."""
        url = f"{self.address}/{path}"
        why = ""
        pause_s = 0.0
        for number in range(TRIES):
            if number:
                self._sleep(pause_s)
            pause_s = FIRST_PAUSE_S * 2**number
            try:
                return self._read_once(url, limit)
            except urllib.error.HTTPError as error:
                with error:
                    why, asked_s = _refusal(url, error)
                if error.code in _MISSING:
                    return None
                pause_s = asked_s or pause_s
                if error.code not in _BUSY or pause_s > LONGEST_PAUSE_S:
                    break
            except UNREACHABLE as error:
                why = unreachable(url, error)
        message = f"{why} Check the address, or try again later."
        raise NotAsked(message)

    def read_all(self, paths: Iterable[str], limit: int) -> Iterator[bytes | None]:
        """Read several files, and yield them in the order of the paths."""
        waiting: deque[Future[bytes | None]] = deque()
        for path in paths:
            waiting.append(self._pool.submit(self.read, path, limit))
            if len(waiting) >= READ_AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _read_once(self, url: str, limit: int) -> bytes:
        headers = {"User-Agent": "ballroom-verify", "Accept-Encoding": "gzip, identity"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        # A cache may have an older checkpoint, which would look like a log that went back.
        headers["Cache-Control"] = "no-cache"
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the scheme was checked.
        with self._opener.open(request, timeout=TIMEOUT_S) as answer:
            content = _bounded(answer, url, limit)
            length = answer.headers.get("Content-Length", "")
            if length.isdecimal() and int(length) != len(content):
                message = "its answer ended early"
                raise ConnectionError(message)
            encoding = answer.headers.get("Content-Encoding", "identity")
        return _unpacked(content, url, limit) if encoding == "gzip" else content


def _bounded(answer: IO[bytes], url: str, limit: int) -> bytes:
    ends = time.monotonic() + LONGEST_ANSWER_S
    content = bytearray()
    while chunk := answer.read(min(CHUNK_BYTES, limit + 1 - len(content))):
        content += chunk
        if len(content) > limit:
            message = f"{url} answered more than {limit:,} bytes, which is no file of a log."
            raise NotAsked(message)
        if time.monotonic() > ends:
            message = f"{url} did not end its answer within {LONGEST_ANSWER_S:.0f} seconds."
            raise NotAsked(message)
    return bytes(content)


def _unpacked(content: bytes, url: str, limit: int) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            unpacked = packed.read(limit + 1)
    except (EOFError, OSError, zlib.error):
        message = f"{url} answered bytes that cannot be unpacked."
        raise NotAsked(message) from None
    if len(unpacked) > limit:
        message = f"{url} answered more than {limit:,} bytes, which is no file of a log."
        raise NotAsked(message)
    return unpacked


def _refusal(url: str, error: urllib.error.HTTPError) -> tuple[str, float]:
    """Return why a request was refused, and the seconds of `Retry-After`, or 0."""
    retry_after = error.headers.get("Retry-After", "")
    seconds = float(retry_after) if retry_after.isdecimal() else 0.0
    if 300 <= error.code < 400:  # noqa: PLR2004 - redirects.
        return f"{url} leads to another address, which is not followed.", seconds
    try:
        said = sentence_of_refusal(read_object(error.read(LARGEST_ANSWER_BYTES)))
    except UNREACHABLE:
        said = ""
    return f"{url} answered {error.code}. {said}".rstrip(), seconds
