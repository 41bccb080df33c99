"""Listing what there is of a kind, a page at a time or all."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.domain.entity import Entity, Place
from shared.domain.names import OrgName, Package
from shared.ports import DirectoryStore, MetadataStore

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


async def beginning(
    directory: DirectoryStore, kind: type[E], place: Place, count: int
) -> tuple[E, ...]:
    """Return the entity at the place, and up to `count` whose owners begin like its own."""
    exactly = await directory.get(kind, place)
    found = await slice_of(directory, kind, place, count)
    longer = [each for each in found.entities if each.place.owner.startswith(place.owner)]
    return (*([exactly] if exactly else []), *longer)


async def packages_of(
    metadata: MetadataStore, org: OrgName, after: str, count: int
) -> tuple[list[Package], str]:
    """Return up to `count` packages of an organization whose names come after one, and after which
    name there are more; empty at the end. One read."""
    prefix = f"{org.lower()}/"
    heads = await metadata.packages(prefix + after.lower(), count + 1)
    own = [head.package for head in heads if head.package.key.startswith(prefix)]
    return own[:count], own[count - 1].name if len(own) > count else ""


async def everything(directory: DirectoryStore, kind: type[E]) -> list[E]:
    """Return every entity of the kind, in order of place. The cost grows with their number."""
    found: list[E] = []
    while batch := await directory.all(kind, found[-1].place if found else Place(""), BATCH):
        found.extend(batch)
    return found
