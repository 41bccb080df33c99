"""Heads of requests that the parser does not read alone.

Heads that differ from an earlier one of their connection in the request line alone: a client sends
the same headers with each request of a connection, and parsing them again takes a third of the time
of an answer from memory. So what follows the request line is compared, as bytes, with what the
parser has read before: a parser that is between two requests would read it in the same way. Request
lines that are not of the simplest form are left to the parser.

Heads that ask for another protocol (`Upgrade`) are read like any other.
"""

import re
from collections.abc import Sequence
from typing import Any, Self

from httptools import HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.hosting.requests import OF_HEADERS, RawHeader, Scope
from shared.hosting.responses import lines_of

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
        """The scope of a request with the same headers, without `state`; None for any other."""
        found = _LINE(data[: -len(self._rest)]) if data.endswith(self._rest) else None
        if found is None:
            return None
        scope = self._scope.copy()
        scope["method"], scope["raw_path"] = _METHODS[found[1]], found[2]
        scope["query_string"] = found[3] or b""
        return scope


class UpgradeIgnored(HttpToolsProtocol):
    """Reads the bodies of requests that ask for another protocol, as the real host does.

    The parser ends such a request at its head, and would read its body as the next request. So it
    reads the head once more, without the `Upgrade` headers, and then what follows. Only the parser
    decides which requests ask for another protocol, so no spelling of a head gets around this.
    """

    _upgrades: Sequence[RawHeader] = ()  # The headers that the second reading leaves out.
    _second_head = b""  # What is read once more when the parser stops.

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
            if self._upgrades:
                self.headers += self._upgrades
                self._upgrades = ()
            return False
        version = parser.get_http_version().encode()
        line = b"%b %b HTTP/%b\r\n" % (parser.get_method(), self.url, version)
        self._upgrades = [each for each in self.headers if each[0] == b"upgrade"]
        others = [each for each in self.headers if each[0] != b"upgrade"]
        self._second_head = line + lines_of(others) + b"\r\n"
        return True

    def _read_second_head(self) -> None:
        head, self._second_head = self._second_head, b""
        # The old parser reads nothing more if the request is the last one of its connection.
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.parser.feed_data(head)
