"""The path and the query of a request: decoded for Functions, encoded for `req.url`."""

import re
from collections.abc import Iterator
from urllib.parse import quote

# Nothing to decode, to encode or to resolve: what nearly every request brings.
_PLAIN = re.compile(rb"(?!.*/\.)[A-Za-z0-9/!$&'()*+,;=:@._~-]*").fullmatch
_ESCAPES = re.compile(r"(?:%[0-9A-F]{2})+", re.I)
_ESCAPES_IN_PATHS = re.compile(r"(?:%(?!2F)[0-9A-F]{2})+", re.I)
_LONE_PERCENT = re.compile(r"%(?![0-9A-F]{2})", re.I)
_UNESCAPED = "/!$&'()*+,;=:@._~-%"


class UnusablePath(Exception):
    """The path holds an escaped NUL, which no Function gets to see."""


def decoded(raw: bytes) -> str:
    """Return the path that is routed: unescaped but for `%2F`, without dot segments."""
    if _PLAIN(raw):
        return raw.decode("ascii")
    path = _ESCAPES_IN_PATHS.sub(_unescape, raw.decode("utf-8", "replace"))
    if "\0" in path:
        raise UnusablePath
    return _without_dots(path) if "/." in path else path


def encoded(raw: bytes) -> str:
    """Return the path as `req.url` shows it: decoded, then escaped where it must be."""
    if _PLAIN(raw):
        return raw.decode("ascii")
    return quote(_LONE_PERCENT.sub("%25", decoded(raw)), safe=_UNESCAPED)


def decoded_value(text: str) -> str:
    """Return a key or a value of a query, unescaped."""
    spaced = text.replace("+", " ")
    return _ESCAPES.sub(_unescape, spaced) if "%" in spaced else spaced


def _unescape(run: re.Match[str]) -> str:
    return "".join(_characters(run[0], bytes.fromhex(run[0].replace("%", ""))))


def _characters(escapes: str, octets: bytes) -> Iterator[str]:
    """Yield what is UTF-8 as characters, and what is not as the escapes that were sent."""
    while octets:
        start, end = _unreadable(octets)
        yield octets[:start].decode()
        yield escapes[3 * start : 3 * end]
        escapes, octets = escapes[3 * end :], octets[end:]


def _unreadable(octets: bytes) -> tuple[int, int]:
    """Return where the first octets that are not UTF-8 begin and end; the end of all for none."""
    try:
        octets.decode()
    except UnicodeDecodeError as unreadable:
        return unreadable.start, unreadable.end
    return len(octets), len(octets)


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
