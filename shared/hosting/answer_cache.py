"""The answer cache: answers of Functions that are given again while nothing was written.

The data version of the stores changes with every write of every process, so an answer misses
nothing that was acknowledged before its request began. Requests are compared by everything that an
answer may depend on; an answer whose Function read any other header is not kept.
"""

import sys
from collections.abc import Awaitable, Callable, Hashable, Sequence, Set
from dataclasses import dataclass
from typing import Self, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.answer_cache import REQUEST_ID_HEADER, RepeatAnswer
from shared.caching import LruCache
from shared.hosting.requests import HEADERS_READ, LazyRequest
from shared.hosting.responses import (
    WITHOUT_BODY,
    PreparedAnswer,
    RawHeaders,
    encode_head,
    send_answer,
)
from shared.log import log

ReadDataVersion = Callable[[], Hashable]

CAPACITY_BYTES = 32 * 1024 * 1024  # Bytes of memory a process: some five thousand documents.
LARGEST_BODY_BYTES = (
    128 * 1024
)  # Bytes of one body. To send a larger one costs more than to make the answer.

STALE_EVICTIONS_PER_WRITE = (
    8  # Of those that do not stand any more, so that nobody waits for thousands.
)

_OVERHEAD = 2_048  # Bytes of what is not measured: what the Function left behind, and the place.
_ASKED = "ballroom.repeating"  # In a scope: the edition and the key that were looked for.
_NEW_EACH_TIME = REQUEST_ID_HEADER.lower().encode("ascii")
_REPEATABLE = frozenset(("GET", "HEAD"))

# What answers that stand depend on; to pages of other sites the host says that they may read.
_COMPARED = frozenset(
    (
        *("host", "origin", "authorization", "cookie", "user-agent", "ballerina-platform"),
        *("accept", "accept-encoding", "range", "if-range", "if-none-match"),
        *("cache-control", "pragma"),
    )
)
# What is noted of a request, or tells of the way that it took; no answer is made of it.
_NOTED = frozenset(
    (
        *("forwarded", "x-forwarded-for", "traceparent", "tracestate"),
        "ballerina-central-telemetry-disabled",
    )
)
_COMPARED_NAMES = frozenset(name.encode("ascii") for name in _COMPARED)

_Header = tuple[bytes, bytes]
_Key = tuple[str, bytes, bytes, tuple[_Header, ...]]


@dataclass(frozen=True, slots=True)
class _CachedAnswer:
    """An answer, the edition that it was made of, and the memory that it takes with its key."""

    edition: Hashable
    start: Message  # Without what is new each time.
    head: bytes  # The same, as it is sent.
    body: Message
    size: int

    @classmethod
    def of(cls, key: _Key, edition: Hashable, start: Message, body: Message) -> Self:
        lasting = [each for each in start["headers"] if each[0] != _NEW_EACH_TIME]
        start = {**start, "headers": lasting}
        head = encode_head(start)
        taken = sum(map(_memory_of, (key, start, head, body))) + _OVERHEAD
        return cls(edition, start, head, body, taken)


class AnswerCache:
    """Keeps the answers that were made last, up to a number of bytes."""

    def __init__(
        self, app: ASGIApp, edition: ReadDataVersion, capacity: int = CAPACITY_BYTES
    ) -> None:
        self._app = app
        self._edition = edition
        self._kept = LruCache[_Key, _CachedAnswer](capacity, weigh=lambda _, kept: kept.size)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        found = None if _ASKED in scope else self._find(scope)
        if found is None:
            return self._app(scope, receive, self._keeping(scope, send))
        kept, fresh = found
        headers = [*kept.start["headers"], *fresh]
        return send_answer(({**kept.start, "headers": headers}, kept.body), send)

    @property
    def count(self) -> int:
        """Return how many answers are kept."""
        return len(self._kept)

    def at_once(self, scope: Scope) -> PreparedAnswer | None:
        """Return the answer to a request if it is kept and stands."""
        found = self._find(scope)
        if found is None:
            return None
        kept, fresh = found
        return PreparedAnswer(kept.head, fresh, kept.body["body"])

    def _find(self, scope: Scope) -> tuple[_CachedAnswer, RawHeaders] | None:
        """Return what is kept, with the headers of the moment; else note what was sought."""
        scope[_ASKED] = None
        if scope["method"] not in _REPEATABLE:
            return None
        try:
            edition = self._edition()
        except Exception:  # Whoever is asked next says what is wrong with the stores.
            return None
        key = _key(scope)
        # Not marked as used: what is stale is evicted in the order in which it was made.
        kept = self._kept.peek(key)
        if kept is not None and kept.edition == edition:
            fresh = _fresh(kept, scope)
            if fresh is not None:
                return kept, fresh
        scope[_ASKED], scope[HEADERS_READ] = (edition, key), set[str]()
        return None

    def _keeping(self, scope: Scope, send: Send) -> Send:
        """Return a way to send an answer that keeps it if it stands."""
        if scope[_ASKED] is None:
            return send
        edition, key = scope[_ASKED]
        read: set[str] = scope[HEADERS_READ]
        start: Message = {}

        async def sending(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            else:
                if start.get("again") and _may_be_kept(start, message, read):
                    self._keep(key, _CachedAnswer.of(key, edition, start, message))
                start = {}  # What follows is the rest of a body.
            await send(message)

        return sending

    def _keep(self, key: _Key, kept: _CachedAnswer) -> None:
        self._kept.put(key, kept)
        self._kept.evict(lambda each: each.edition != kept.edition, STALE_EVICTIONS_PER_WRITE)


def _key(scope: Scope) -> _Key:
    headers = tuple([each for each in scope["headers"] if each[0] in _COMPARED_NAMES])
    return scope["method"], scope["raw_path"], scope["query_string"], headers


def _may_be_kept(start: Message, body: Message, read: Set[str]) -> bool:
    """Tell whether the answer fits, and depends on nothing but what requests are compared by."""
    return _is_small_and_whole(body) and _is_framed(start) and read <= _COMPARED | _NOTED


def _is_small_and_whole(body: Message) -> bool:
    return not body.get("more_body", False) and len(body["body"]) <= LARGEST_BODY_BYTES


def _is_framed(start: Message) -> bool:
    """Tell whether the answer says where it ends; the server itself frames one that does not."""
    is_bare = start["status"] in WITHOUT_BODY
    return is_bare or any(name == b"content-length" for name, _ in start["headers"])


def _memory_of(value: object) -> int:
    """Return the bytes that a value takes, with all that it holds."""
    if isinstance(value, dict):
        held = cast("dict[object, object]", value)
        return sys.getsizeof(held) + sum(_memory_of(each) for pair in held.items() for each in pair)
    if isinstance(value, tuple | list):
        several = cast("Sequence[object]", value)
        return sys.getsizeof(several) + sum(map(_memory_of, several))
    return sys.getsizeof(value)


def _fresh(kept: _CachedAnswer, scope: Scope) -> RawHeaders | None:
    again: RepeatAnswer = kept.start["again"]
    try:
        fresh = again(LazyRequest(scope, {}, b""))
    except Exception:
        log.exception("repeating.failed")
        return None
    if fresh is None:
        return None
    return [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in fresh.items()]
