"""HTML that is safe in a page, text that reads as it runs, and the ids of headings."""

import re
from collections import Counter

_NOT_IN_ID = re.compile(r"[^\w\- ]")
_MAX_ID_CHARACTERS = 100


class HeadingIds:
    """The ids that GitHub gives the headings of one text, in their order."""

    def __init__(self) -> None:
        self._given = Counter[str]()

    def of(self, words: str) -> str:
        """Return the id of the next heading; one that consists of signs has none."""
        name = _NOT_IN_ID.sub("", words.lower()).replace(" ", "-")[:_MAX_ID_CHARACTERS]
        before = self._given[name]
        self._given[name] += 1
        return f"{name}-{before}" if before and name else name


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
