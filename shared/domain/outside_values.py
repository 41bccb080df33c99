"""Values of documents that strangers wrote, each within its bounds.

What is of another type or out of bounds is as if it were missing. Stored records are read with the
same types, since one of an earlier version may hold what was not bounded then.
"""

from collections.abc import Mapping
from typing import Annotated, cast

from pydantic import Field

from shared.domain.text_lines import in_one_line

MAX_NUMBER = 2**53 - 1  # Every reader of JSON keeps it, and every store.
MAX_LINE = 2_000  # Characters of a field that is one line.
MAX_LABEL = 200  # Characters of an entry of a list of lines, and of a name.
MAX_TEXT = 1024 * 1024  # Characters of a readme.
MAX_LIST = 100  # Entries of keywords, licences, authors and modules.

Item = Mapping[str, object]


def number(value: object, most: int = MAX_NUMBER) -> int:
    """Return a whole number from 0 to `most`; 0 for anything else."""
    return value if type(value) is int and 0 <= value <= most else 0


def text(value: object, most: int = MAX_TEXT) -> str:
    """Return the beginning of a text, with its lines; empty for anything else."""
    return value[:most].replace("\0", "") if isinstance(value, str) else ""


def line(value: object, most: int = MAX_LINE) -> str:
    """Return a text that is one line; empty for anything else, and for what is too long."""
    return in_one_line(value) if isinstance(value, str) and len(value) <= most else ""


def lines(item: Item, name: str) -> tuple[str, ...]:
    """Return the lines of the beginning of a list, without those that are empty or too long."""
    entries = _list(item, name)[:MAX_LIST]
    return tuple(each for entry in entries if (each := line(entry, MAX_LABEL)))


def items(item: Item, name: str, most: int = MAX_LIST) -> list[Item]:
    """Return the objects of a list; raise `ValueError` if it has too many entries."""
    found = _list(item, name)
    if len(found) > most:
        message = f"the list {name} has {len(found):,} entries"
        raise ValueError(message)
    return [cast(Item, each) for each in found if isinstance(each, dict)]


def _list(item: Item, name: str) -> list[object]:
    value = item.get(name)
    return cast("list[object]", value) if isinstance(value, list) else []


SignedNumber = Annotated[int, Field(ge=0, le=MAX_NUMBER)]
