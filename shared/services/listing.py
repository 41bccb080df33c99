"""Listing the entities of a kind, a page at a time or all, for operators and upkeep."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.domain.entity import Entity, Place
from shared.ports import DirectoryStore

E = TypeVar("E", bound=Entity)
Row = TypeVar("Row")

BATCH = 500  # Entities a read.


@dataclass(frozen=True, slots=True)
class Slice(Generic[E]):
    """Some entities in order of place, and whether others come after them."""

    entities: tuple[E, ...]
    is_more: bool


@dataclass(frozen=True, slots=True)
class Listed(Generic[Row]):
    """Some rows of a list by name; `next` is what further ones come after, empty at the end."""

    rows: tuple[Row, ...]
    next: str = ""


async def walked(page: Callable[[str], Awaitable[Listed[Row]]]) -> AsyncIterator[Row]:
    """Yield every row of a list, whose pages are asked for by what they come after."""
    listed = await page("")
    while True:
        for row in listed.rows:
            yield row
        if not listed.next:
            return
        listed = await page(listed.next)


async def slice_of(directory: DirectoryStore, kind: type[E], after: Place, count: int) -> Slice[E]:
    """Return up to `count` entities above a place. One read."""
    found = await directory.all(kind, after, count + 1)
    return Slice(tuple(found[:count]), len(found) > count)


async def everything(directory: DirectoryStore, kind: type[E]) -> list[E]:
    """Return every entity of the kind, in order of place. The cost grows with their number."""
    found: list[E] = []
    while batch := await directory.all(kind, found[-1].place if found else Place(""), BATCH):
        found.extend(batch)
    return found
