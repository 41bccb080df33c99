"""Building responses: JSON, documents with an ETag, rate limit headers, and the requirements of the
Functions host.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import azure.functions as func
import orjson

from functions.http.requests import headers_of
from shared.conditional_requests import (
    RangeNotSatisfiable,
    is_current,
    is_known,
    requested_range,
)
from shared.domain.documents import etag_of
from shared.domain.errors.base import Refusal, Unavailable
from shared.domain.errors.requests import MethodNotAllowed, TooMany
from shared.domain.rate_limits import RateLimitAllowance

JSON = "application/json"

NO_STORE = {"Cache-Control": "no-store"}


def json_response(
    value: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> func.HttpResponse:
    """Return `value` as JSON; caches may not store it, unless `headers` allow it."""
    body = orjson.dumps(value)
    return func.HttpResponse(body, status_code=status, headers=headers or NO_STORE, mimetype=JSON)


def retry_headers(refusal: Refusal) -> dict[str, str]:
    """Return the `Retry-After` or `Allow` header of a refusal that has one.

    `Retry-After` is at least 1: clients ignore a 0.
    """
    match refusal:
        case MethodNotAllowed():
            return {"Allow": ", ".join(refusal.allowed)}
        case Unavailable():
            return {"Retry-After": str(max(1, int(refusal.retry_after.total_seconds())))}
        case TooMany():
            wait = str(refusal.allowance.wait_s)
            return {"Retry-After": wait, **rate_limit_fields(refusal.allowance)}
        case _:
            return {}


def rate_limit_fields(allowance: RateLimitAllowance) -> dict[str, str]:
    """Return the headers of drafts 03 to 06 of "RateLimit header fields for HTTP".

    `RateLimit-Reset` is a number of seconds, the same as `Retry-After` in a refusal.
    """
    return {
        "RateLimit-Limit": str(allowance.limit),
        "RateLimit-Remaining": str(allowance.remaining),
        "RateLimit-Reset": str(allowance.wait_s),
    }


CACHE_PUBLIC = "no-cache"  # Builds need the latest push; a conditional request is cheap.
CACHE_PRIVATE = "private, no-store"


@dataclass(frozen=True, slots=True)
class Representation:
    """A document as it is sent; a shared cache may keep it if it is public."""

    content: bytes
    media_type: str
    is_public: bool
    is_cacheable: bool = True  # Whether a `cacheable` handler may let it be repeated.

    @property
    def etag(self) -> str:
        return etag_of(self.content)


def conditional_response(req: func.HttpRequest, document: Representation) -> func.HttpResponse:
    """Return the document, the requested range, the headers alone for a `HEAD`, a 304 or a 412."""
    etag = document.etag
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": CACHE_PUBLIC if document.is_public else CACHE_PRIVATE,
    }
    if not is_current(headers_of(req), etag=etag):
        return func.HttpResponse(status_code=412, headers=headers | NO_STORE)
    if is_known(headers_of(req), etag=etag):
        return func.HttpResponse(status_code=304, headers=headers)
    content, status = document.content, 200
    try:
        span = requested_range(headers_of(req), size=len(content), etag=etag)
    except RangeNotSatisfiable:
        headers |= {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"}
        return func.HttpResponse(status_code=416, headers=headers)
    if span is not None and req.method == "GET":
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{len(content)}"
        content, status = content[span.start : span.stop], 206
    headers["Content-Length"] = str(len(content))  # The host sets it only where it sends a body.
    body = b"" if req.method == "HEAD" else content
    return func.HttpResponse(
        body, status_code=status, headers=headers, mimetype=document.media_type
    )


# Requirements of the Functions host, which changes or cuts off a response that breaks them.
#
# It sends a body without a `Content-Length` in chunks, which clients of archives reject. It answers
# 500 for a header that is not ASCII, closes the connection after a 304 with a body, and lets a
# client wait without end after a `Transfer-Encoding` that is not its own.

_WITHOUT_BODY = frozenset((204, 304))
_STATUSES = range(200, 600)

# The host parses each cookie, and changes other values and attributes.
_COOKIE = re.compile(
    r"[A-Za-z0-9_-]+=[A-Za-z0-9._~-]*"
    r"(; (Max-Age=[0-9]+|Path=/[A-Za-z0-9/_-]*|HttpOnly|Secure|SameSite=(Lax|Strict|None)))*"
)


class UnsendableResponse(Exception):
    """A Function returned a response that the Functions host would change."""


def complete_response(response: func.HttpResponse, method: str) -> None:
    """Add the `Content-Length`; raise `UnsendableResponse` for what the host would change."""
    status, size = response.status_code, len(response.get_body())
    names = _header_names(response)
    if status not in _STATUSES or (size and status in _WITHOUT_BODY):
        _refuse(f"status {status} with a body of {size} bytes")
    if "content-length" in names:
        _require_length(response, size, method)
    elif status not in _WITHOUT_BODY and not (method == "HEAD" and "content-encoding" in names):
        response.headers["Content-Length"] = str(size)


def _header_names(response: func.HttpResponse) -> set[str]:
    """Return the names of the headers in lower case; the host sends each header once."""
    names: set[str] = set()
    for spelling, value in response.headers:
        name = spelling.lower()
        if not (value.isascii() and value.isprintable()):
            _refuse(f"the header {name} is not one line of ASCII")
        if name == "set-cookie":
            _require_cookie(value)
        elif name in names:
            _refuse(f"the header {name} twice")
        names.add(name)
    if "transfer-encoding" in names:
        _refuse("a Transfer-Encoding")
    return names


def _require_cookie(value: str) -> None:
    if not _COOKIE.fullmatch(value):
        _refuse("a cookie that the host would change")


def _require_length(response: func.HttpResponse, size: int, method: str) -> None:
    """Check the `Content-Length`; the response to a `HEAD` may have that of the `GET`."""
    length = response.headers["Content-Length"]
    is_of_get = method == "HEAD" and not size and length.isdecimal()
    if length != str(size) and not is_of_get:
        _refuse(f"{size} bytes with a Content-Length of {length}")


def _refuse(problem: str) -> None:
    raise UnsendableResponse(problem)
