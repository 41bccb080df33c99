"""Heads of requests: their limits, repeated heads, and heads that ask for another protocol.

A client sends the same headers with each request of a connection. Parsing them again takes a third
of the time of a cached answer. So the bytes after the request line are compared with those of an
earlier head of the connection, which the parser has read: a parser that is between two requests
would read them in the same way. Request lines that are not of the simplest form are left to the
parser.

A head that asks for another protocol (`Upgrade`) is read like any other.
"""

import re
from collections.abc import Sequence
from typing import Any, Self

from httptools import HttpParserUpgrade, HttpRequestParser

from shared.hosting.requests import OF_HEADERS, Scope
from shared.hosting.responses import lines_of

RawHeader = tuple[bytes, bytes]

# The limits of the real host.
LONGEST_LINE = 8 * 1024  # Bytes of method, target and version, with the end of the line.
LONGEST_HEADERS = 32 * 1024  # Bytes of all header lines.
MOST_HEADERS = 100

_AROUND_TARGET = len(b"  HTTP/1.1\r\n")
_AROUND_HEADER = len(b": \r\n")
_LONGEST_HOST = 255  # Characters of a DNS name.
_LAST_PORT = 65_535

# The characters that the real host allows; a host has no percent escapes there.
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9!$&'()._~-]+)(?::([0-9]{1,5}))?")
_ABSOLUTE = re.compile(rb"(https?)://([^/?#]*)([^?]*)(.*)", re.IGNORECASE | re.DOTALL)
_DEFAULT_PORTS = {b"http": b":80", b"https": b":443"}


class RequestHeadRefused(Exception):
    """The host answers this request with a bare status and closes the connection."""

    def __init__(self, status: int, *headers: RawHeader) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers


def host_header(headers: Sequence[RawHeader]) -> bytes:
    """Return the `Host` header; raise `RequestHeadRefused` unless there is one valid header."""
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) != 1 or len(hosts[0]) > _LONGEST_HOST or not _is_host(hosts[0]):
        raise RequestHeadRefused(400)
    return hosts[0]


def origin_form(method: bytes, target: bytes, host: bytes) -> bytes:
    """Return path and query of a target, or `*`; raise `RequestHeadRefused` for other forms."""
    if method == b"CONNECT":  # A successful answer would open a tunnel.
        raise RequestHeadRefused(400)
    if target.startswith(b"/"):
        return target
    if target == b"*":
        if method != b"OPTIONS":
            raise RequestHeadRefused(405, (b"allow", b"OPTIONS"))
        return target
    found = _ABSOLUTE.fullmatch(target)
    if found is None or not _is_same_host(found[1].lower(), found[2], host):
        raise RequestHeadRefused(400)
    return (found[3] or b"/") + found[4]


def require_head_limits(method: bytes, target: bytes, headers: Sequence[RawHeader]) -> None:
    """Raise `RequestHeadRefused` for a head that is too long, or that is not text."""
    if len(method) + len(target) + _AROUND_TARGET > LONGEST_LINE:
        raise RequestHeadRefused(414)
    if sum(len(name) + len(value) + _AROUND_HEADER for name, value in headers) > LONGEST_HEADERS:
        raise RequestHeadRefused(431)
    try:
        target.decode("ascii")
        for _, value in headers:
            value.decode("utf-8")
    except UnicodeDecodeError:
        raise RequestHeadRefused(400) from None


def _is_host(value: bytes) -> bool:
    found = _HOST.fullmatch(value)
    return found is not None and int(found[1] or 0) <= _LAST_PORT


def _is_same_host(scheme: bytes, authority: bytes, host: bytes) -> bool:
    """Check whether an absolute target and `Host` name one host; a default port may be left out."""
    port = _DEFAULT_PORTS[scheme]
    return authority.lower().removesuffix(port) == host.lower().removesuffix(port)


# --- Heads that differ only in the request line ---

# Characters that need no judgement: no spaces, no controls, no "#", and no "//" at the beginning.
_LINE = re.compile(
    rb"(GET|HEAD) (/(?!/)[A-Za-z0-9/!$&'()*+,;=:@._~%-]*)"
    rb"(?:\?([A-Za-z0-9/!$&'()*+,;=:@._~%?-]+))? HTTP/1\.1\r\n"
).fullmatch
_METHODS = {b"GET": "GET", b"HEAD": "HEAD"}
_OF_CONNECTION = ("type", "asgi", "http_version", "server", "client", "scheme", "root_path")


class RepeatedHead:
    """The bytes after the request line of a request, and its scope as far as they decide it."""

    __slots__ = ("_rest", "_scope")

    def __init__(self, rest: bytes, scope: dict[str, Any]) -> None:
        self._rest = rest
        self._scope = scope

    @classmethod
    def of(cls, data: bytes, scope: Scope) -> Self | None:
        """Remember a request that the parser read from exactly these bytes, with nothing before or
        after it; return None if its request line is not of the simplest form."""
        end = data.find(b"\r\n") + 2
        if not _LINE(data[:end]):
            return None
        names = (*_OF_CONNECTION, *OF_HEADERS)
        return cls(data[end:], {name: scope[name] for name in names if name in scope})

    def scope_of(self, data: bytes) -> Scope | None:
        """The scope of a request with the same headers; None for any other."""
        found = _LINE(data[: -len(self._rest)]) if data.endswith(self._rest) else None
        if found is None:
            return None
        scope = self._scope.copy()
        scope["method"] = _METHODS[found[1]]
        scope["raw_path"] = found[2]
        scope["query_string"] = found[3] or b""
        return scope


class UpgradeIgnored:
    """Reads the bodies of requests that ask for another protocol, as the real host does.

    The parser ends such a request at its head, and would read its body as the next request. So it
    reads the head once more, without the `Upgrade` headers, and then what follows. Only the parser
    decides which requests ask for another protocol, so no spelling of a head gets around this.

    The parser calls this object for what it reads. `url` and `raw_headers` are those of the request
    that is being read.
    """

    _second_head = b""  # What is read once more when the parser stops.

    def __init__(self) -> None:
        self.url = b""
        self.raw_headers: list[RawHeader] = []
        self.parser = self._new_parser()
        self._upgrades: list[RawHeader] = []  # The headers that the second reading leaves out.

    def parse(self, data: bytes) -> None:
        """Read a piece; raise `HttpParserError` for an invalid request."""
        rest: Any = data
        while rest:
            try:
                self.parser.feed_data(rest)
            except HttpParserUpgrade as upgrade:
                rest = memoryview(rest)[upgrade.args[0] :]
                self._read_second_head()
            else:
                return

    def withholds_upgrade(self) -> bool:
        """At the end of a head, return whether it is read once more, and ignored until then."""
        parser: Any = self.parser
        if not parser.should_upgrade() or parser.get_method() == b"CONNECT":  # CONNECT is refused.
            self.raw_headers += self._upgrades
            self._upgrades = []
            return False
        version = parser.get_http_version().encode()
        line = b"%b %b HTTP/%b\r\n" % (parser.get_method(), self.url, version)
        self._upgrades = [each for each in self.raw_headers if each[0] == b"upgrade"]
        others = [each for each in self.raw_headers if each[0] != b"upgrade"]
        self._second_head = line + lines_of(others) + b"\r\n"
        return True

    def _read_second_head(self) -> None:
        head = self._second_head
        self._second_head = b""
        # The old parser reads nothing more if the request is the last one of its connection.
        self.parser = self._new_parser()
        self.parser.feed_data(head)

    def _new_parser(self) -> HttpRequestParser:
        parser = HttpRequestParser(self)
        # It reads what follows a request with `Connection: close`, which may have come in the same
        # piece, instead of refusing that request.
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser
