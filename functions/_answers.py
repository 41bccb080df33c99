"""Rules for every answer: the Functions host cuts off or changes an answer that breaks them.

It sends a body without a `Content-Length` in chunks, which clients of archives refuse; it answers
500 for a header that is not ASCII, cuts the connection of a 304 with a body, and lets a client wait
for ever after a `Transfer-Encoding` that is not its own.
"""

import re

import azure.functions as func

_WITHOUT_BODY = frozenset((204, 304))
_STATUSES = range(200, 600)

# The host takes each cookie apart: what is left of other values and attributes is not what was set.
_COOKIE = re.compile(
    r"[A-Za-z0-9_-]+=[A-Za-z0-9._~-]*"
    r"(; (Max-Age=[0-9]+|Path=/[A-Za-z0-9/_-]*|HttpOnly|Secure|SameSite=(Lax|Strict|None)))*"
)


class UnsendableAnswer(Exception):
    """A Function returned an answer that the Functions host does not send as it is."""


def finish(answer: func.HttpResponse, method: str) -> None:
    """Name the length of the body; raise `UnsendableAnswer` for what the host does not send."""
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
    raise UnsendableAnswer(what)
