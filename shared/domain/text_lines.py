"""Texts of one line: those that people enter, such as descriptions and reasons, and lists in
sentences.
"""

import re
import unicodedata
from collections.abc import Sequence

from shared.domain.errors.base import InvalidRequest
from shared.domain.sentences import named

MAX_DISPLAY_NAME = 80  # Characters: a line of a list.
MAX_DESCRIPTION = 500  # Characters: a paragraph.

# Control and private characters, and invisible ones that change direction or join letters.
_UNSEEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}


def parse_line(what: str, text: str, limit: int) -> str:
    """Return `text` as one line of visible characters, or raise `InvalidRequest` about `what`."""
    line = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()
    if len(line) > limit:
        message = f"The {what} has {len(line)} characters, and {limit} fit. Shorten it."
        raise InvalidRequest(message)
    if any(unicodedata.category(character) in _UNSEEN for character in line):
        message = f"The {what} holds characters that nobody sees. Write it with visible ones."
        raise InvalidRequest(message)
    return line


NAMED_AT_MOST = 10  # Names that a list in a sentence shows.


def first_of(names: Sequence[str]) -> str:
    """Return the first names for a sentence, and how many more there are."""
    return named(names, NAMED_AT_MOST, "; ")


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def in_one_line(text: str) -> str:
    """Return `text` on one line, without control characters."""
    printable = text if text.isprintable() else _CONTROL.sub(" ", text)
    return " ".join(printable.split())
