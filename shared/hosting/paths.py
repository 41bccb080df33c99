"""The path of a request: decoded for routing, written again for `req.url`, slashes collapsed."""

import codecs
import re
from collections.abc import Awaitable
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

# Nothing to decode, to encode or to resolve: what nearly every request brings.
_PLAIN = re.compile(rb"(?!.*/\.)[A-Za-z0-9/!$&'()*+,;=:@._~-]*").fullmatch
_ESCAPES = re.compile(r"(?:%(?!2F)[0-9A-F]{2})+", re.I)
_LONE_PERCENT = re.compile(r"%(?![0-9A-F]{2})", re.I)
_UNESCAPED = "/!$&'()*+,;=:@._~-%"


class UnusablePath(Exception):
    """The path holds an escaped NUL, which no Function gets to see."""


def collapse_slashes(app: ASGIApp) -> ASGIApp:
    """Turn repeated slashes of a path into one before anything else looks at it.

    The language server asks for `{base}//search-packages`. The real host does not do this, and
    finds no Function for such a path.
    """

    # Not a coroutine itself: a step that only looks costs no frame of its own.
    def collapsed(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        raw = scope.get("raw_path")
        if raw is not None and b"//" in raw:
            path = re.sub("/{2,}", "/", scope["path"])
            scope = {**scope, "raw_path": re.sub(b"/{2,}", b"/", raw), "path": path}
        return app(scope, receive, send)

    return collapsed


def decoded(raw: bytes) -> str:
    """Return the path that is routed: unescaped but for `%2F`, without dot segments."""
    if _PLAIN(raw):
        return raw.decode("ascii")
    path = _ESCAPES.sub(_unescape, raw.decode("utf-8", "replace"))
    if "\0" in path:
        raise UnusablePath
    return _without_dots(path) if "/." in path else path


def encoded(raw: bytes) -> str:
    """Return the path as `req.url` shows it: decoded, then escaped where it must be."""
    if _PLAIN(raw):
        return raw.decode("ascii")
    return quote(_LONE_PERCENT.sub("%25", decoded(raw)), safe=_UNESCAPED)


def _unescape(run: re.Match[str]) -> str:
    return bytes.fromhex(run[0].replace("%", "")).decode("utf-8", "keep-escaped")


def _keep_escaped(error: UnicodeError) -> tuple[str, int]:
    """Leave octets that are not UTF-8 escaped, as the real host does."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    octets = error.object[error.start : error.end]
    return "".join(f"%{octet:02X}" for octet in octets), error.end


codecs.register_error("keep-escaped", _keep_escaped)


def _without_dots(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
