"""Requests from pages of other sites (CORS), answered as the real host does with
`allowedOrigins: ['*']`.

The host answers each preflight before any Function, and lets every page read public answers:
browsers hide an answer with `*` from a page that sends cookies. A plain `OPTIONS` is not a
preflight.
"""

from collections.abc import Collection, Mapping

from shared.hosting.requests import MalformedPath, Scope, decode_path
from shared.hosting.responses import HostResponse, RawHeaders

_ALLOW_ORIGIN = b"access-control-allow-origin"
_ANY = (_ALLOW_ORIGIN, b"*")
_METHOD = b"access-control-request-method"
_HEADERS = b"access-control-request-headers"


def is_preflight(method: str, asked: Mapping[bytes, bytes]) -> bool:
    """Check whether a request with an `Origin` asks what its page may request."""
    return method == "OPTIONS" and _METHOD in asked


def allowing_every_origin(given: RawHeaders) -> RawHeaders:
    """Return the headers of a response that pages of every other site may read."""
    return [*[each for each in given if each[0].lower() != _ALLOW_ORIGIN], _ANY]


def is_one_of(paths: Collection[str], scope: Scope) -> bool:
    """Check whether the path of a request leads to the route of one of these paths."""
    try:
        path = decode_path(scope["raw_path"])
    except MalformedPath:  # No route has it.
        return False
    return path.removesuffix("/").lower() in paths


def preflight(asked: Mapping[bytes, bytes]) -> HostResponse:
    """Allow what the preflight requests, as the real host does."""
    allowed = [_ANY, (b"access-control-allow-methods", asked[_METHOD])]
    if headers := asked.get(_HEADERS):
        allowed.append((b"access-control-allow-headers", headers))
    return HostResponse(204, allowed)
