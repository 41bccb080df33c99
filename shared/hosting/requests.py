"""The `HttpRequest` that a Function gets, read from the ASGI scope only when it is asked for."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Self

import azure.functions as func
from azure.functions.http import HttpRequest as WorkerRequest
from starlette.types import Scope

from shared.domain.errors import Refusal
from shared.hosting.paths import decoded_value, encoded

Headers = list[tuple[bytes, bytes]]

HEADERS_READ = "ballroom.headers_read"  # In a scope: the names that are asked for, in lower case.
EVERY_HEADER = "*"  # Among those names: all were looked at.
EMPTY_QUERY = "ballroom.empty_query"  # In a scope: the target ended in a question mark.


class RequestHeaders(Mapping[str, str]):
    """Request headers by name without case; those sent twice are joined by commas."""

    __slots__ = ("_raw", "_read")

    def __init__(self, headers: Headers, read: set[str] | None = None) -> None:
        self._read: set[str] = set() if read is None else read
        self._raw = dict(headers)  # Decoded when they are asked for, which few are.
        if len(self._raw) < len(headers):
            self._raw = _joined(headers)

    @classmethod
    def of(cls, scope: Scope) -> Self:
        """Return the headers of a request, with the peer behind whatever is claimed of it."""
        return cls([*scope["headers"], *_forwarded(scope)], scope.get(HEADERS_READ))

    def __getitem__(self, name: str) -> str:
        value: str | None = self.get(name)
        if value is None:
            raise KeyError(name.lower())
        return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a header, or the default."""
        name = name.lower()
        self._read.add(name)
        value = self._raw.get(name.encode("latin-1", "replace"))
        return default if value is None else value.decode("utf-8", "replace").rstrip("\t ")

    def __iter__(self) -> Iterator[str]:
        self._read.add(EVERY_HEADER)
        return (name.decode("latin-1") for name in self._raw)

    def __len__(self) -> int:
        self._read.add(EVERY_HEADER)
        return len(self._raw)


def _joined(headers: Headers) -> dict[bytes, bytes]:
    """Return the values of each name, joined by commas."""
    values: dict[bytes, bytes] = {}
    for name, value in headers:
        lasting = value.rstrip(b"\t ")
        values[name] = b"%b,%b" % (values[name], lasting) if name in values else lasting
    return values


def _forwarded(scope: Scope) -> Headers:
    """Return the peer's address as the front end of the real host adds it to every request.

    Where a peer has none, an empty entry keeps what is claimed from being the last.
    """
    peer = scope.get("client")
    if peer is not None:
        return [(b"x-forwarded-for", peer[0].encode("ascii"))]
    is_claimed = any(name == b"x-forwarded-for" for name, _ in scope["headers"])
    return [(b"x-forwarded-for", b"")] if is_claimed else []


def query_parameters(query: str) -> dict[str, str]:
    """Read a query as the real host hands it over.

    Keys that differ in case are one key, spelled as it is the second time; values of one key are
    joined by commas, and a key without a value is not there at all.
    """
    if not query:
        return {}
    values: dict[str, list[str]] = {}
    spelling: dict[str, str] = {}
    for pair in query.split("&"):
        raw_name, _, raw_value = pair.partition("=")
        name = decoded_value(raw_name)
        found = values.setdefault(name.lower(), [])
        if len(found) < 2:  # noqa: PLR2004 - the first time and the second.
            spelling[name.lower()] = name
        found.append(decoded_value(raw_value))
    joined = {spelling[key]: ",".join(filter(None, found)) for key, found in values.items()}
    return {name: value for name, value in joined.items() if value}


class LazyRequest(func.HttpRequest):
    """A request whose parts are made on first use; most Functions look at two or three."""

    # The base class reads every part at once, so its constructor is left out on purpose; what is
    # not overridden here goes to a whole request of the worker's own class.
    def __init__(self, scope: Scope, route_params: dict[str, str], body: bytes | Refusal) -> None:
        self._scope = scope
        self._route_params = route_params
        self._body = body
        self._headers: RequestHeaders | None = None
        self._params: MappingProxyType[str, str] | None = None
        self._worker_request: WorkerRequest | None = None

    @property
    def method(self) -> str:
        """Return the method in upper case."""
        return str(self._scope["method"])

    @property
    def url(self) -> str:
        """Return the whole address, with the trailing slash that routing ignored."""
        scope = self._scope
        query = scope["query_string"].decode("latin-1").replace("#", "%23")
        mark = "?" if query or EMPTY_QUERY in scope else ""
        path = encoded(scope["raw_path"])
        host = self.headers.get("host", "")
        return f"{scope['scheme']}://{host}{path}{mark}{query}"

    @property
    def headers(self) -> RequestHeaders:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the request headers, of a class that differs by the speed of `get` alone."""
        if self._headers is None:
            self._headers = RequestHeaders.of(self._scope)
        return self._headers

    @property
    def params(self) -> MappingProxyType[str, str]:
        """Return the query parameters."""
        if self._params is None:
            query = self._scope["query_string"].decode("latin-1")
            self._params = MappingProxyType(query_parameters(query))
        return self._params

    @property
    def route_params(self) -> MappingProxyType[str, str]:
        """Return the route parameters; an optional one that is absent has no key."""
        return MappingProxyType(self._route_params)

    def get_body(self) -> bytes:
        """Return the body, which is empty for a request without `Content-Length`.

        Raise the refusal of a body that was not read.
        """
        if isinstance(self._body, Refusal):
            raise self._body
        return self._body

    def get_json(self) -> Any:
        """Return the body read as JSON, or raise `ValueError`."""
        return self._whole().get_json()

    @property
    def form(self) -> Any:
        """Return the fields of a form."""
        return self._whole().form

    @property
    def files(self) -> Any:
        """Return the files of a form."""
        return self._whole().files

    def _whole(self) -> WorkerRequest:
        if self._worker_request is None:
            self._worker_request = WorkerRequest(
                self.method,
                self.url,
                headers=self.headers,
                params=self.params,
                route_params=self.route_params,
                body_type="bytes",
                body=self.get_body(),
            )
        return self._worker_request
