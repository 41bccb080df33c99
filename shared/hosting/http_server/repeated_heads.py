"""Heads that differ from an earlier one of their connection in the request line alone.

A client sends the same headers with each request of a connection, and parsing them again takes a
third of the time of an answer from memory. So what follows the request line is compared, as bytes,
with what the parser has read before: a parser that is between two requests would read it in the
same way. Request lines that are not of the simplest form are left to the parser.
"""

import re
from typing import Any, Self

from shared.hosting.asgi import Scope
from shared.hosting.requests import OF_HEADERS

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
