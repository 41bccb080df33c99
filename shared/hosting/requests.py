"""Requests: decoding of paths, and the `HttpRequest` of a Function."""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from types import MappingProxyType
from typing import Any, Self, TypeAlias
from urllib.parse import quote

from shared.domain.errors.base import Refusal
from shared.runtime.answers import KnownCaller, RecognizedRequest

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


Headers = list[tuple[bytes, bytes]]

# A key of scopes: the names of headers that were read, in lower case.
HEADERS_READ = "ballroom.headers_read"
EVERY_HEADER = "*"  # Among those names it means that all headers were read.
QUERY_READ = "ballroom.query_read"  # A key of scopes: the keys of the query that were read.
WHOLE_QUERY = "*"  # Among those keys it means that the whole query was read.
KNOWN_CALLER = "ballroom.known_caller"  # A key of scopes: the `KnownCaller`, or None.
HEADER_VALUES = "ballroom.headers"  # A key of scopes: the headers by their names, as text.
COMPARED_HEADERS = "ballroom.compared"  # A key of scopes: the headers that answers may depend on.
# Keys of scopes whose values depend only on the headers and the connection.
OF_HEADERS = ("headers", HEADER_VALUES, COMPARED_HEADERS)
# A key of the start of an answer: its `AnswerCachePolicy`, or None.
CACHE_POLICY = "ballroom.cache_policy"


class RequestHeaders(Mapping[str, str]):
    """Request headers by name; case does not matter, and repeated headers are joined by commas."""

    __slots__ = ("_read", "_values")

    def __init__(self, headers: Mapping[str, str], read: set[str] | None = None) -> None:
        """Make headers of values by their names in lower case; note in `read` what is read."""
        self._read = read
        self._values = headers

    @classmethod
    def of(cls, scope: Scope) -> Self:
        """Return the headers of a request; the address of the peer ends X-Forwarded-For."""
        values: Mapping[str, str] | None = scope.get(HEADER_VALUES)
        if values is None:
            values = scope[HEADER_VALUES] = _by_name([*scope["headers"], *_forwarded(scope)])
        return cls(values, scope.get(HEADERS_READ))

    def __getitem__(self, name: str) -> str:
        value: str | None = self.get(name)
        if value is None:
            raise KeyError(name.lower())
        return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def get(self, name: str, default: Any = None) -> Any:
        name = name.lower()
        if self._read is not None:
            self._read.add(name)
        return self._values.get(name, default)

    def __iter__(self) -> Iterator[str]:
        self._read_all()
        return iter(self._values)

    def __len__(self) -> int:
        self._read_all()
        return len(self._values)

    def _read_all(self) -> None:
        if self._read is not None:
            self._read.add(EVERY_HEADER)


def _by_name(headers: Headers) -> dict[str, str]:
    values: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name = raw_name.decode("latin-1")
        value = raw_value.decode("utf-8", "replace").rstrip("\t ")
        values[name] = f"{values[name]},{value}" if name in values else value
    return values


def _forwarded(scope: Scope) -> Headers:
    """Return the address of the peer as X-Forwarded-For, as the front end of the real host adds it.

    If the peer has no address, an empty entry follows the addresses that the request claims.
    """
    peer = scope.get("client")
    if peer is not None:
        return [(b"x-forwarded-for", peer[0].encode("ascii"))]
    is_claimed = any(name == b"x-forwarded-for" for name, _ in scope["headers"])
    return [(b"x-forwarded-for", b"")] if is_claimed else []


def body_length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Return the Content-Length, or 0: the real host passes a body without one as empty."""
    for name, value in headers:
        if name == b"content-length":
            return int(value)
    return 0


def query_parameters(query: str) -> dict[str, str]:
    """Read a query as the real host passes it on.

    Keys that differ in case are one key, in its second spelling; values of one key are joined by
    commas, and keys without a value are dropped.
    """
    if not query:
        return {}
    values: dict[str, list[str]] = {}
    spelling: dict[str, str] = {}
    for pair in query.split("&"):
        raw_name, _, raw_value = pair.partition("=")
        name = decode_query_value(raw_name)
        found = values.setdefault(name.lower(), [])
        if len(found) < 2:  # noqa: PLR2004 - the first time and the second.
            spelling[name.lower()] = name
        found.append(decode_query_value(raw_value))
    joined = {spelling[key]: ",".join(filter(None, found)) for key, found in values.items()}
    return {name: value for name, value in joined.items() if value}


class RequestQuery(Mapping[str, str]):
    """The query of a request, as `query_parameters` reads it."""

    __slots__ = ("_params", "_read")

    def __init__(self, params: Mapping[str, str], read: set[str] | None = None) -> None:
        self._read: set[str] = set() if read is None else read
        self._params = params

    @classmethod
    def of(cls, scope: Scope) -> Self:
        """Return the query of a request, and note which of its keys are read."""
        query = scope["query_string"].decode("latin-1")
        return cls(query_parameters(query), scope.get(QUERY_READ))

    def __getitem__(self, name: str) -> str:
        self._read.add(name)
        return self._params[name]

    def __iter__(self) -> Iterator[str]:
        self._read.add(WHOLE_QUERY)
        return iter(self._params)

    def __len__(self) -> int:
        self._read.add(WHOLE_QUERY)
        return len(self._params)


class LazyRequest(RecognizedRequest):
    """A request whose parts are made on first use; most Functions use two or three."""

    # The constructor of the base class reads every part, so it is not called.
    def __init__(self, scope: Scope, route_params: dict[str, str], body: bytes | Refusal) -> None:
        self._scope = scope
        self._route_params = route_params
        self._body = body
        self._headers: RequestHeaders | None = None
        self._params: RequestQuery | None = None

    @property
    def method(self) -> str:
        return str(self._scope["method"])

    @property
    def url(self) -> str:
        """The whole URL, with the trailing slash that routing ignores."""
        scope = self._scope
        scope.get(QUERY_READ, set()).add(WHOLE_QUERY)
        query = scope["query_string"].decode("latin-1").replace("#", "%23")
        mark = "?" if query else ""
        path = encode_url(scope["raw_path"])
        host = self.headers.get("host", "")
        return f"{scope['scheme']}://{host}{path}{mark}{query}"

    @property
    def headers(self) -> RequestHeaders:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The request headers, of a class whose `get` is faster."""
        if self._headers is None:
            self._headers = RequestHeaders.of(self._scope)
        return self._headers

    @property
    def known_caller(self) -> KnownCaller | None:
        return self._scope.get(KNOWN_CALLER)

    @property
    def params(self) -> RequestQuery:  # pyright: ignore[reportIncompatibleMethodOverride]
        if self._params is None:
            self._params = RequestQuery.of(self._scope)
        return self._params

    @property
    def route_params(self) -> MappingProxyType[str, str]:
        """The route parameters; an absent optional parameter has no key."""
        return MappingProxyType(self._route_params)

    def get_body(self) -> bytes:
        """Return the body, which is empty for a request without `Content-Length`.

        Raise the refusal of a body that was not read.
        """
        if isinstance(self._body, Refusal):
            raise self._body
        return self._body


# Paths without escapes and dot segments, as in nearly every request.
_PLAIN = re.compile(rb"(?!.*/\.)[A-Za-z0-9/!$&'()*+,;=:@._~-]*").fullmatch
_ESCAPES = re.compile(r"(?:%[0-9A-F]{2})+", re.I)
_ESCAPES_IN_PATHS = re.compile(r"(?:%(?!2F)[0-9A-F]{2})+", re.I)
_LONE_PERCENT = re.compile(r"%(?![0-9A-F]{2})", re.I)
_UNESCAPED = "/!$&'()*+,;=:@._~-%"


class MalformedPath(Exception):
    """The path contains an escaped NUL, which no Function receives."""


def decode_path(raw: bytes) -> str:
    """Return the path for routing: unescaped except for `%2F`, without dot segments."""
    if _PLAIN(raw):
        return raw.decode("ascii")
    path = _ESCAPES_IN_PATHS.sub(_unescape, raw.decode("utf-8", "replace"))
    if "\0" in path:
        raise MalformedPath
    return _without_dots(path) if "/." in path else path


def encode_url(raw: bytes) -> str:
    """Return the path as `req.url` contains it: decoded, then escaped where necessary."""
    if _PLAIN(raw):
        return raw.decode("ascii")
    return quote(_LONE_PERCENT.sub("%25", decode_path(raw)), safe=_UNESCAPED)


def decode_query_value(text: str) -> str:
    spaced = text.replace("+", " ")
    return _ESCAPES.sub(_unescape, spaced) if "%" in spaced else spaced


def _unescape(run: re.Match[str]) -> str:
    return "".join(_characters(run[0], bytes.fromhex(run[0].replace("%", ""))))


def _characters(escapes: str, octets: bytes) -> Iterator[str]:
    """Yield UTF-8 as characters, and other octets as the escapes that were sent."""
    while octets:
        start, end = _unreadable(octets)
        yield octets[:start].decode()
        yield escapes[3 * start : 3 * end]
        escapes = escapes[3 * end :]
        octets = octets[end:]


def _unreadable(octets: bytes) -> tuple[int, int]:
    """Return where the first octets that are not UTF-8 begin and end; if none, the end of all."""
    try:
        octets.decode()
    except UnicodeDecodeError as unreadable:
        return unreadable.start, unreadable.end
    return len(octets), len(octets)


def _without_dots(path: str) -> str:
    result: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del result[-1:]
        elif segment != ".":
            result.append(segment)
    if segments[-1] in (".", ".."):
        result.append("")
    return "/" + "/".join(result)
