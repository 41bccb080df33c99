"""Lists in numbered pages: which page is shown, and the links to the others."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from msgspec import Struct

NEIGHBOUR_PAGES = 2  # Pages that are linked on each side of the one that is shown.

RowT = TypeVar("RowT")

_MAX_DIGITS = 7  # Digits; a page beyond is the last one.


def requested_page(query: Mapping[str, str]) -> int:
    """Return the number of the page that an address asks for, even if there is no such page."""
    asked = query.get("page", "")
    is_number = asked.isascii() and asked.isdecimal() and len(asked) <= _MAX_DIGITS
    return max(int(asked), 1) if is_number else 1


class Pager(Struct, frozen=True):
    """Page `number` of a list of `total`, whose first page is 1; each page has `size` items. `path`
    and `query` are those of the request; the links have them too, with another `page`.
    """

    number: int
    total: int
    size: int
    path: str
    query: Mapping[str, str]

    @classmethod
    def of(cls, total: int, size: int, path: str, query: Mapping[str, str]) -> "Pager":
        """Read the page from the query: an invalid number is the first page, a number that is too
        high the last one."""
        last = max(1, -(-total // size))
        return cls(min(requested_page(query), last), total, size, path, query)

    @property
    def last(self) -> int:
        return max(1, -(-self.total // self.size))

    @property
    def offset(self) -> int:
        """How many items are on the pages before this one."""
        return (self.number - 1) * self.size

    def slice(self, rows: Sequence[RowT]) -> Sequence[RowT]:
        """Return those of all rows that are on this page."""
        return rows[self.offset : self.offset + self.size]

    @property
    def shown(self) -> range:
        """The positions of the items on this page in the list, counted from one."""
        return range(self.offset + 1, min(self.offset + self.size, self.total) + 1)

    def address(self, number: int) -> str:
        """Return the address of a page; the first one has no number."""
        query = {name: value for name, value in self.query.items() if value and name != "page"}
        if number > 1:
            query["page"] = str(number)
        return f"{self.path}?{urlencode(query)}" if query else self.path

    @property
    def numbers(self) -> Iterator[int | None]:
        """Yield the pages to link to, with None where some are left out."""
        near = range(
            max(1, self.number - NEIGHBOUR_PAGES), min(self.last, self.number + NEIGHBOUR_PAGES) + 1
        )
        before = 0
        for number in sorted({1, *near, self.last}):
            if number - before > 1:
                yield None
            yield number
            before = number
