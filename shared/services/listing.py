"""Listing every entity of a kind, for operators and upkeep."""

from typing import TypeVar

from shared.domain.entity import Entity, Place
from shared.ports import DirectoryStore

E = TypeVar("E", bound=Entity)

BATCH = 500  # Entities a read.


async def everything(directory: DirectoryStore, kind: type[E]) -> list[E]:
    """Return every entity of the kind, in order of place. The cost grows with their number."""
    found: list[E] = []
    while batch := await directory.all(kind, found[-1].place if found else Place(""), BATCH):
        found.extend(batch)
    return found
