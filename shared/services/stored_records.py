"""Removal of records that a list shows, which may be out of date."""

from shared.domain.entities import Entity
from shared.ports.directory import DirectoryStore
from shared.runtime.retries import retried_when_stale


@retried_when_stale
async def remove_stored(directory: DirectoryStore, listed: Entity) -> bool:
    """Remove a listed entity as it is stored now, whoever changes it meanwhile, without an event;
    return whether it was still there."""
    stored = await directory.get(type(listed), listed.place)
    if stored is None or stored.subject != listed.subject:
        return False
    await directory.remove(stored)
    return True
