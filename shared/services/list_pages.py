"""Lists in pages: some rows in order, and after which of them the next page begins."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

from msgspec import Struct

from shared.domain.coordinates import Package
from shared.domain.entities import Entity, Place
from shared.domain.names import OrgName
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore

E = TypeVar("E", bound=Entity)
Row = TypeVar("Row")


class EntityPage(Struct, Generic[E], frozen=True):
    """Some entities in order of place, and whether more follow."""

    entities: tuple[E, ...]
    is_more: bool


class ListPage(Struct, Generic[Row], frozen=True):
    """Some rows of a list by name; `next` is the name to continue after, empty at the end."""

    rows: tuple[Row, ...]
    next: str = ""


async def iterate_pages(page: Callable[[str], Awaitable[ListPage[Row]]]) -> AsyncIterator[Row]:
    """Yield every row of a list, read page by page."""
    listed = await page("")
    while True:
        for row in listed.rows:
            yield row
        if not listed.next:
            return
        listed = await page(listed.next)


async def entity_page(
    directory: DirectoryStore, kind: type[E], after: Place, count: int
) -> EntityPage[E]:
    """Return up to `count` entities above a place. One read."""
    found = await directory.list_all(kind, after, count + 1)
    return EntityPage(tuple(found[:count]), len(found) > count)


async def entities_with_prefix(
    directory: DirectoryStore, kind: type[E], place: Place, count: int
) -> tuple[E, ...]:
    """Return the entity at the place, and up to `count` whose owners begin with its owner."""
    exactly = await directory.get(kind, place)
    found = await entity_page(directory, kind, place, count)
    longer = [each for each in found.entities if each.place.owner.startswith(place.owner)]
    return (*([exactly] if exactly else []), *longer)


async def organization_package_page(
    metadata: MetadataStore, org: OrgName, after: str, count: int
) -> tuple[list[Package], str]:
    """Return up to `count` packages of an organization after the name `after`, and the name to
    continue after; empty at the end. One read."""
    prefix = f"{org.lower()}/"
    heads = await metadata.packages(prefix + after.lower(), count + 1)
    own = [head.package for head in heads if head.key.startswith(prefix)]
    return own[:count], own[count - 1].name if len(own) > count else ""
