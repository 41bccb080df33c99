"""The head of a request: its size, `Host` and target, refused as the real host refuses them."""

import re
from collections.abc import Sequence
from functools import lru_cache

RawHeader = tuple[bytes, bytes]

# What the real host takes at most.
LONGEST_LINE = 8 * 1024  # Bytes of method, target and version, with the end of the line.
LONGEST_HEADERS = 32 * 1024  # Bytes of all header lines.
MOST_HEADERS = 100

_AROUND_TARGET = len(b"  HTTP/1.1\r\n")
_AROUND_HEADER = len(b": \r\n")
_LONGEST_HOST = 255  # Characters of a DNS name, and of everything that is remembered here.
_LAST_PORT = 65_535

# The characters that the real host takes; it knows no percent escapes in a host.
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9!$&'()._~-]+)(?::([0-9]{1,5}))?")
_ABSOLUTE = re.compile(rb"(https?)://([^/?#]*)([^?]*)(.*)", re.IGNORECASE | re.DOTALL)
_DEFAULT_PORTS = {b"http": b":80", b"https": b":443"}


class HeadRefused(Exception):
    """The host answers this request with a bare status and closes the connection."""

    def __init__(self, status: int, *headers: RawHeader) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers


def host_of(headers: Sequence[RawHeader]) -> bytes:
    """Return the one `Host`; raise `HeadRefused` where there is none, another one, or no host."""
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) != 1 or len(hosts[0]) > _LONGEST_HOST or not _is_host(hosts[0]):
        raise HeadRefused(400)
    return hosts[0]


def origin_form(method: bytes, target: bytes, host: bytes) -> bytes:
    """Return path and query of a target, or `*`; raise `HeadRefused` for other forms."""
    if method == b"CONNECT":  # Any answer of success would open a tunnel.
        raise HeadRefused(400)
    if target.startswith(b"/"):
        return target
    if target == b"*":
        if method != b"OPTIONS":
            raise HeadRefused(405, (b"allow", b"OPTIONS"))
        return target
    found = _ABSOLUTE.fullmatch(target)
    if found is None or not _is_same_host(found[1].lower(), found[2], host):
        raise HeadRefused(400)
    return (found[3] or b"/") + found[4]


def require_bounded(method: bytes, target: bytes, headers: Sequence[RawHeader]) -> None:
    """Raise `HeadRefused` for a head that is too long, or that is not text."""
    if len(method) + len(target) + _AROUND_TARGET > LONGEST_LINE:
        raise HeadRefused(414)
    if sum(len(name) + len(value) + _AROUND_HEADER for name, value in headers) > LONGEST_HEADERS:
        raise HeadRefused(431)
    try:
        target.decode("ascii")
        for _, value in headers:
            value.decode("utf-8")
    except UnicodeDecodeError:
        raise HeadRefused(400) from None


@lru_cache(maxsize=64)
def _is_host(value: bytes) -> bool:
    found = _HOST.fullmatch(value)
    return found is not None and int(found[1] or 0) <= _LAST_PORT


def _is_same_host(scheme: bytes, authority: bytes, host: bytes) -> bool:
    """Tell whether an absolute target and `Host` name one host, with or without a default port."""
    port = _DEFAULT_PORTS[scheme]
    return authority.lower().removesuffix(port) == host.lower().removesuffix(port)
