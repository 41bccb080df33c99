"""HTML that is safe in a page, and text that reads as it runs."""

import re


class SafeHtml(str):
    """Markup in which everything of an author is escaped or cleaned."""

    __slots__ = ()

    def __html__(self) -> "SafeHtml":
        """Tell templates not to escape this again."""
        return self


# Characters that change the direction of a line can make code read differently from how it runs
# (CVE-2021-42574). U+200E and U+200F only hint at a direction, and stay.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")


def show_bidi_characters(text: str) -> str:
    """Replace each character that changes the direction of a line by its number."""
    return _BIDI.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)
