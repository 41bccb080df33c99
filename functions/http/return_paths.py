"""To which pages a sign-in returns: to every page that is declared, except those of the sign-in
itself."""

import re

HOME_PATH = "/account"
MAX_RETURN_PATH_LENGTH = 512

# The first segments of the routes of pages that a sign-in may return to; that of `/` is empty.
RETURN_PAGES: set[str] = set()

# No second slash or backslash, which browsers read as a host; no control character, no fragment.
_PATH = re.compile(
    r"/(?:(?P<first>[a-z.-]+)(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*)?(?:\?[^\\#<>\"]*)?"
)


def add_return_page(route: str) -> None:
    """Let a sign-in return to the pages of this route."""
    RETURN_PAGES.add(route.strip("/").partition("/")[0])


def return_path(text: str) -> str:
    """Return the path if it is a page of the registry, else the account page."""
    form = (
        _PATH.fullmatch(text)
        if len(text) <= MAX_RETURN_PATH_LENGTH and text.isprintable()
        else None
    )
    if form is None or not text.isascii() or (form["first"] or "") not in RETURN_PAGES:
        return HOME_PATH
    # `..` could lead elsewhere.
    return HOME_PATH if ".." in text or "%2e" in text.lower() else text
