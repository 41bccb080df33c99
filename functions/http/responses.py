"""Building responses: JSON, documents with validators, rate limit headers, and what the Functions
host requires of each.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import azure.functions as func
import orjson

from functions.http.requests import headers_of
from shared.conditional_requests import RangeNotSatisfiable, is_known, requested_range
from shared.domain.documents import etag_of
from shared.domain.errors.base import Refusal, Unavailable
from shared.domain.errors.requests import MethodNotAllowed, TooMany
from shared.domain.rate_limits import RateLimitAllowance

JSON = "application/json"

NO_STORE = {"Cache-Control": "no-store"}  # Of an answer for one caller and one moment.


def json_response(
    value: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> func.HttpResponse:
    """Return `value` as JSON that nobody keeps, unless the headers say otherwise."""
    body = orjson.dumps(value)
    return func.HttpResponse(body, status_code=status, headers=headers or NO_STORE, mimetype=JSON)


def retry_headers(refusal: Refusal) -> dict[str, str]:
    """Return the headers that tell when to come back, or with which methods, where that helps.

    Clients read no 0.
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
    """Return a limit, what is left of it, and in how many seconds there is more.

    The three fields of drafts 03 to 06 of "RateLimit header fields for HTTP", in which the last is
    a number of seconds and the same as `Retry-After` in a refusal.
    """
    return {
        "RateLimit-Limit": str(allowance.limit),
        "RateLimit-Remaining": str(allowance.remaining),
        "RateLimit-Reset": str(allowance.wait_s),
    }


CACHE_PUBLIC = (
    "no-cache"  # Builds need what was pushed a moment ago; to ask again with the tag is cheap.
)
CACHE_PRIVATE = "private, no-store"


@dataclass(frozen=True, slots=True)
class Representation:
    """Bytes of a media type, and whether anybody may keep them in a shared cache."""

    content: bytes
    media_type: str
    is_public: bool
    is_cacheable: bool = True  # Whether a `cacheable` handler may let it be repeated.

    @property
    def etag(self) -> str:
        """Return the tag of these bytes."""
        return etag_of(self.content)


def conditional_response(req: func.HttpRequest, document: Representation) -> func.HttpResponse:
    """Return the document or the part that is asked for, its headers alone, or a 304."""
    etag = document.etag
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": CACHE_PUBLIC if document.is_public else CACHE_PRIVATE,
    }
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
    headers["Content-Length"] = str(len(content))  # The host counts only bodies that are sent.
    body = b"" if req.method == "HEAD" else content
    return func.HttpResponse(
        body, status_code=status, headers=headers, mimetype=document.media_type
    )


# Rules for every answer: the Functions host cuts off or changes an answer that breaks them.
#
# It sends a body without a `Content-Length` in chunks, which clients of archives refuse; it answers
# 500 for a header that is not ASCII, cuts the connection of a 304 with a body, and lets a client
# wait for ever after a `Transfer-Encoding` that is not its own.

_WITHOUT_BODY = frozenset((204, 304))
_STATUSES = range(200, 600)

# The host takes each cookie apart: what is left of other values and attributes is not what was set.
_COOKIE = re.compile(
    r"[A-Za-z0-9_-]+=[A-Za-z0-9._~-]*"
    r"(; (Max-Age=[0-9]+|Path=/[A-Za-z0-9/_-]*|HttpOnly|Secure|SameSite=(Lax|Strict|None)))*"
)


class UnsendableResponse(Exception):
    """A Function returned an answer that the Functions host does not send as it is."""


def complete_response(answer: func.HttpResponse, method: str) -> None:
    """Name the length of the body; raise `UnsendableResponse` for what the host does not send."""
    status, size = answer.status_code, len(answer.get_body())
    names = _names_of(answer)
    if status not in _STATUSES or (size and status in _WITHOUT_BODY):
        _refuse(f"status {status} with a body of {size} bytes")
    if "content-length" in names:
        _require_length(answer, size, method)
    elif status not in _WITHOUT_BODY:
        answer.headers["Content-Length"] = str(size)


def _names_of(answer: func.HttpResponse) -> set[str]:
    """Return the names of the headers in lower case, which the host sends once each."""
    names: set[str] = set()
    for spelled, value in answer.headers:
        name = spelled.lower()
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


def _require_length(answer: func.HttpResponse, size: int, method: str) -> None:
    """A `HEAD` may promise what a `GET` would send, and leave it out."""
    promised = answer.headers["Content-Length"]
    is_left_out = method == "HEAD" and not size and promised.isdecimal()
    if promised != str(size) and not is_left_out:
        _refuse(f"{size} bytes with a Content-Length of {promised}")


def _refuse(what: str) -> None:
    raise UnsendableResponse(what)
