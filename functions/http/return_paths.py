"""To which pages a sign-in returns: to every page that is declared, except those of the sign-in
itself."""

import re
from urllib.parse import unquote_plus

HOME_PATH = "/account"
MAX_RETURN_PATH_LENGTH = 512

# The first segments of the routes of pages that a sign-in may return to; that of `/` is empty.
RETURN_PAGES: set[str] = set()

# No second slash or backslash, which browsers read as a host; no control character, no fragment.
_PATH = re.compile(r"/(?:(?P<first>[a-z.-]+)(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*)?")
_QUERY = re.compile(r"[^\\#<>\"]*")


def add_return_page(route: str) -> None:
    """Let a sign-in return to the pages of this route."""
    RETURN_PAGES.add(route.strip("/").partition("/")[0])


def return_path(text: str) -> str:
    """Return the path and query if the path is a page of the registry, else the account page. A
    query that is too long or has unusual characters is left out."""
    path, _, query = text.partition("?")
    if not _is_page(path):
        return HOME_PATH
    whole = f"{path}?{query}"
    is_usual = _is_short_and_printable(whole) and _QUERY.fullmatch(query) is not None
    return whole if query and is_usual else path


def requested_return_path(text: str) -> str:
    """Return the `return_path` of what somebody asked for, without the parameter `done`: the page
    would show a message about a change that nobody made."""
    path, _, query = text.partition("?")
    kept = "&".join(each for each in query.split("&") if not _is_done(each))
    return return_path(f"{path}?{kept}")


def _is_page(path: str) -> bool:
    form = _PATH.fullmatch(path) if _is_short_and_printable(path) else None
    if form is None or (form["first"] or "") not in RETURN_PAGES:
        return False
    return ".." not in path and "%2e" not in path.lower()  # They could lead elsewhere.


def _is_short_and_printable(text: str) -> bool:
    return len(text) <= MAX_RETURN_PATH_LENGTH and text.isascii() and text.isprintable()


def _is_done(parameter: str) -> bool:
    return unquote_plus(parameter.partition("=")[0]) == "done"
