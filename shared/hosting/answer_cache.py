"""The answer cache: serves answers of Functions again while the packages that they depend on are
unchanged.

An answer is cached with the number of the edition from before it was made (docs/decisions/0020).
The key of an answer has every header that answers may depend on; an answer whose Function read any
other header is not cached (docs/decisions/0008). The key also has what Functions read of the query.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from enum import Enum
from typing import Self

from msgspec import Struct

from shared.hosting.requests import (
    CACHE_POLICY,
    COMPARED_HEADERS,
    HEADERS_READ,
    KNOWN_CALLER,
    QUERY_READ,
    WHOLE_QUERY,
    ASGIApp,
    LazyRequest,
    Message,
    Receive,
    Scope,
    Send,
    query_parameters,
)
from shared.hosting.responses import (
    CachedAnswer,
    RawHeaders,
    encode_head,
    may_expect_continue,
    send_answer,
)
from shared.runtime.answers import (
    REQUEST_ID_HEADER,
    WITHOUT_BODY,
    AnswerCachePolicy,
    RecognizeCaller,
)
from shared.runtime.editions import Edition
from shared.runtime.lru_cache import LruCache
from shared.telemetry.log import log

CAPACITY_BYTES = 32 * 1024 * 1024  # For each process: about five thousand documents.
LARGEST_BODY_BYTES = 128 * 1024  # Sending a larger body costs more than computing the answer.
# Parts of a path, including the empty first one; the organization is at most the fifth.
MOST_NAMES = 8

_OVERHEAD = 2_048  # Bytes for what is not measured: the closure of the Function, the table entry.
_HEADER_BYTES = 140  # Memory of a header besides its characters: a tuple and two byte strings.
_PAIR_BYTES = 200  # Memory of a key and value of a query besides their characters.
_LOOKUP = "ballroom.answer_cache"  # A key of scopes: the `Lookup` that found no answer.
_NEW_EACH_TIME = frozenset(
    (
        REQUEST_ID_HEADER.lower().encode("ascii"),
        b"ratelimit-limit",
        b"ratelimit-remaining",
        b"ratelimit-reset",
    )
)
_CACHEABLE_METHODS = frozenset(("GET", "HEAD"))

# Headers that cacheable answers depend on. `Origin`: the host itself adds the headers of CORS.
# `Expect`: some clients wait for `100 Continue`.
_COMPARED = frozenset(
    (
        "host",
        "origin",
        "authorization",
        "cookie",
        "user-agent",
        "ballerina-platform",
        "accept",
        "accept-encoding",
        "range",
        "if-range",
        "if-match",
        "if-none-match",
        "cache-control",
        "pragma",
        "content-length",
        "expect",
    )
)
# Headers that are logged or counted for each cache hit; no answer depends on them.
_RECORDED = frozenset(
    (
        "forwarded",
        "x-forwarded-for",
        "traceparent",
        "tracestate",
        "ballerina-central-telemetry-disabled",
    )
)
_COMPARED_NAMES = frozenset(name.encode("ascii") for name in _COMPARED)

# Credentials are compared only by whether there are some, and whether they are Basic, which says
# how a client follows a redirect: a cached answer is otherwise the same for every caller with
# credentials, and the caller is identified before it is looked up.
_CREDENTIALS = b"authorization"
_BASIC = b"basic "
_BASIC_CREDENTIALS = (_CREDENTIALS, _BASIC)
_OTHER_CREDENTIALS = (_CREDENTIALS, b"")
# Between the headers of a key: the server refuses a header that has a line break within it.
_LINE_BREAK = b"\r\n"

_Header = tuple[bytes, bytes]
_Query = bytes | tuple[tuple[str, str], ...]  # The whole query, or the keys that were read of one.
# Method, path, query, compared headers, and the organization whose private packages the caller has
# to be able to read; "" for none. One text of all headers is hashed once for all requests of a
# connection that repeat them.
_Key = tuple[str, bytes, _Query, bytes, str]


class Lookup(Enum):
    """Why a lookup found no answer."""

    UNCACHEABLE = "uncacheable"  # No answer to such a request is stored.
    MISS = "miss"  # The answer to it is stored if it is cacheable.


class _Entry(Struct, frozen=True):
    policy: AnswerCachePolicy
    start: Message  # Without the headers that are new each time.
    head: bytes  # The same, encoded.
    body: Message
    size: int  # Bytes of memory, with the key.
    reads_whole_query: bool

    @classmethod
    def of(cls, key: _Key, start: Message, body: Message, *, reads_whole_query: bool) -> Self:
        headers = [each for each in start["headers"] if each[0] not in _NEW_EACH_TIME]
        policy: AnswerCachePolicy = start[CACHE_POLICY]
        start = {**start, "headers": headers}
        head = encode_head(start)
        size = _memory_of_key(key) + _memory_of_answer(headers, head, body["body"]) + _OVERHEAD
        return cls(policy, start, head, body, size, reads_whole_query)


class AnswerCache:
    """Stores the answers that were used last, up to a number of bytes of memory."""

    def __init__(
        self,
        app: ASGIApp,
        edition: Edition,
        recognize: RecognizeCaller,
        *,
        capacity: int = CAPACITY_BYTES,
    ) -> None:
        self._app = app
        self._recognize = recognize
        self._edition = edition
        self._answers = LruCache[_Key, _Entry](capacity, weigh=lambda _, answer: answer.size)
        self._query_keys: set[str] = set()  # Those that a Function ever read by name.

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # If the server called `cached_answer` before, it found nothing.
        found = None if _LOOKUP in scope else self._find(scope)
        if found is None:
            return self._app(scope, receive, self._storing_send(scope, send))
        answer, added = found
        headers = [*answer.start["headers"], *added]
        return send_answer(({**answer.start, "headers": headers}, answer.body), send)

    def cached_answer(self, scope: Scope) -> CachedAnswer | None:
        """Return the cached answer to a request; None if the application has to be called."""
        found = self._find(scope)
        if found is None:
            return None
        answer, added = found
        return CachedAnswer(answer.head, added, answer.body["body"])

    def _find(self, scope: Scope) -> tuple[_Entry, RawHeaders] | None:
        """Return the cached answer and the headers to add; else note the reason in the scope."""
        if scope["method"] not in _CACHEABLE_METHODS:
            scope[_LOOKUP] = Lookup.UNCACHEABLE
            return None
        try:
            found = self._valid_answer(scope) if self._edition.is_current() else None
        except Exception:
            log.exception("repeating.failed")
            found = None
        if found is None:
            scope[_LOOKUP] = Lookup.MISS
            scope[HEADERS_READ] = set[str]()
            scope[QUERY_READ] = set[str]()
        return found

    def _valid_answer(self, scope: Scope) -> tuple[_Entry, RawHeaders] | None:
        """Record the request; return None if the Function has to be called."""
        request = LazyRequest(scope, {}, b"")
        caller = scope[KNOWN_CALLER] = self._recognize(request)
        answer = self._lookup(scope, caller.readers_among) if caller else None
        if caller is None or answer is None or not answer.policy.is_valid(self._edition):
            return None
        added = answer.policy.record_hit(request, caller)
        return None if added is None else (answer, _encoded(added))

    def _lookup(
        self, scope: Scope, readers_among: Callable[[Iterable[str]], Iterable[str]]
    ) -> _Entry | None:
        """Return the answer for everybody, or the one for the readers of an organization that the
        path names, if the caller is one of them.

        Nothing else is looked up, so that this takes as long for a hidden package as for a missing
        one.
        """
        query: _Query = scope["query_string"]
        key = _key(scope, query)
        answer = self._answers.get(key)
        if answer is None and query:
            key = _key(scope, self._reduced_query(scope))
            answer = self._answers.get(key)
            if answer is not None and answer.reads_whole_query:
                answer = None
        if answer is None:
            for each in readers_among(_names_of(scope["raw_path"])):
                answer = self._answers.get(_of_readers(key, each))
                if answer is not None:
                    break
        return answer

    def _reduced_query(self, scope: Scope) -> _Query:
        """Return the part of the query that any Function has read by name so far. A query that
        differs for the Function of an earlier answer therefore does not find that answer."""
        query = query_parameters(scope["query_string"].decode("latin-1"))
        return tuple(sorted((k, query[k]) for k in self._query_keys & query.keys())) or b""

    def _storing_send(self, scope: Scope, send: Send) -> Send:
        """Return a `send` that stores the answer if it is cacheable.

        None is stored for a client that may wait for `100 Continue`. The key has `Expect`, so such
        a request finds no answer: an answer without `100 Continue` closes the connection
        (`ContinueGate`).
        """
        if scope[_LOOKUP] is Lookup.UNCACHEABLE or may_expect_continue(scope["headers"]):
            return send
        read: set[str] = scope[HEADERS_READ]
        start: Message = {}

        async def sending(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            else:
                if start.get(CACHE_POLICY) and _is_cacheable(start, message, read):
                    self._store(scope, start, message)
                start = {}  # Later messages are the rest of a body.
            await send(message)

        return sending

    def _store(self, scope: Scope, start: Message, body: Message) -> None:
        read: set[str] = scope[QUERY_READ]
        is_whole = WHOLE_QUERY in read
        self._query_keys |= read - {WHOLE_QUERY}
        key = _key(scope, scope["query_string"] if is_whole else self._reduced_query(scope))
        readers_of: str = start[CACHE_POLICY].readers_of
        if readers_of:
            key = _of_readers(key, readers_of)
        answer = _Entry.of(key, start, body, reads_whole_query=is_whole)
        self._answers.drop(key)
        if answer.policy.is_valid(self._edition):
            # If not, a package that the answer depends on changed meanwhile.
            self._answers.put(key, answer)


def _key(scope: Scope, query: _Query) -> _Key:
    headers: bytes | None = scope.get(COMPARED_HEADERS)
    if headers is None:
        # A list takes one call of Python; a generator takes one more for each header.
        compared = [
            _kind_of_credentials(each[1]) if each[0] == _CREDENTIALS else each
            for each in scope["headers"]
            if each[0] in _COMPARED_NAMES
        ]
        lines = [b"%b:%b" % each for each in compared]
        headers = scope[COMPARED_HEADERS] = _LINE_BREAK.join(lines)
    return scope["method"], scope["raw_path"], query, headers, ""


def _kind_of_credentials(value: bytes) -> _Header:
    is_basic = value[: len(_BASIC)].lower() == _BASIC
    return _BASIC_CREDENTIALS if is_basic else _OTHER_CREDENTIALS


def _names_of(raw_path: bytes) -> Sequence[str]:
    """Return the parts of a path that may name an organization, in lower case."""
    return raw_path.decode("latin-1").lower().split("/", MOST_NAMES)[1:MOST_NAMES]


def _of_readers(key: _Key, org: str) -> _Key:
    """Return the key of an answer for those who may read an organization's private packages."""
    method, path, query, headers, _ = key
    return method, path, query, headers, org


def _is_cacheable(start: Message, body: Message, read: Set[str]) -> bool:
    """Check whether the answer fits, and depends on no header that its key lacks."""
    return _is_small_and_whole(body) and _is_framed(start) and read <= _COMPARED | _RECORDED


def _is_small_and_whole(body: Message) -> bool:
    return not body.get("more_body", False) and len(body["body"]) <= LARGEST_BODY_BYTES


def _is_framed(start: Message) -> bool:
    """Check whether the answer states its length; the server adds framing to others."""
    has_no_body = start["status"] in WITHOUT_BODY
    return has_no_body or any(name == b"content-length" for name, _ in start["headers"])


def _memory_of_key(key: _Key) -> int:
    _, path, query, headers, readers_of = key
    of_query = (
        len(query)
        if isinstance(query, bytes)
        else sum(_PAIR_BYTES + len(k) + len(v) for k, v in query)
    )
    return len(path) + of_query + len(headers) + len(readers_of)


def _memory_of_answer(headers: RawHeaders, head: bytes, body: bytes) -> int:
    return len(body) + len(head) + _memory_of_headers(headers)


def _memory_of_headers(headers: Iterable[_Header]) -> int:
    return sum(_HEADER_BYTES + len(name) + len(value) for name, value in headers)


def _encoded(headers: Mapping[str, str]) -> RawHeaders:
    return [
        (name.lower().encode("ascii"), value.encode("ascii")) for name, value in headers.items()
    ]
