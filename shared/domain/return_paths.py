"""Where a sign-in leads back to: a page of ours, whatever an address asks for."""

import re

HOME = "/account"
MAX_LENGTH = 512

# First parts of pages that people come from. Files, API and sign-in itself are none of them.
PAGES = frozenset(
    {"account", "dashboard", "device", "manage", "orgs", "packages", "search", "about"}
)

# No second slash or backslash that browsers read as a host, no control character, no fragment.
_PATH = re.compile(r"/(?P<first>[a-z]+)(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*(?:\?[^\\#<>\"]*)?")


def return_path(text: str) -> str:
    """Return the path if it is one of our pages, else the page of the account."""
    form = _PATH.fullmatch(text) if len(text) <= MAX_LENGTH and text.isprintable() else None
    if form is None or not text.isascii() or form["first"] not in PAGES:
        return HOME
    # `..` leaves a page for what is not one.
    return HOME if ".." in text or "%2e" in text.lower() else text
