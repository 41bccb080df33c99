"""`Set-Cookie` as it leaves the real host, which takes each cookie apart and writes it anew."""

from http.cookies import Morsel, SimpleCookie
from urllib.parse import quote

_SAME_SITE = frozenset(("lax", "strict", "none"))


def rewritten(header: str) -> list[str]:
    """Return the cookies of one header; one that the worker cannot read is lost, as it is there."""
    return [_written(morsel) for morsel in SimpleCookie(header).values()]


def _written(morsel: "Morsel[str]") -> str:
    parts = [f"{morsel.key}={quote(morsel.value, safe='~')}"]
    if morsel["expires"]:
        parts.append(f"expires={morsel['expires']}")
    if morsel["max-age"]:
        parts.append(f"max-age={morsel['max-age']}")
    # The real host writes both, even empty; browsers ignore an empty one.
    parts.append(f"domain={morsel['domain']}")
    parts.append(f"path={morsel['path']}")
    if morsel["secure"]:
        parts.append("secure")
    same_site = morsel["samesite"].lower()
    if same_site in _SAME_SITE:
        parts.append(f"samesite={same_site}")
    if morsel["httponly"]:
        parts.append("httponly")
    return "; ".join(parts)
