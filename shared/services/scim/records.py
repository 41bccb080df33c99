"""The records of directories: finding them by what nobody else of the directory has, and giving
that to one of them.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TypeVar

from msgspec import Struct

from shared.domain.entities import Place
from shared.domain.principals import Principal
from shared.domain.scim import (
    ScimGroup,
    ScimKey,
    ScimMembers,
    ScimUser,
    directory_owner,
    key_place,
    key_taken,
    resource_not_found,
    version_outdated,
)
from shared.ports.conflicts import AlreadyThere, Stale
from shared.ports.directory import DirectoryStore
from shared.services.audited_writes import AuditedWriter, EntityChange

KeyedT = TypeVar("KeyedT", ScimUser, ScimGroup)

ID_LENGTH = 10  # Base62. A body of 128 KB names 5,000 members by such ids.


class ScimRecords(Struct, frozen=True):
    """Reads and writes users and groups of directories, each with its keys.

    A key whose holder has another value now was left by a crash, and is taken over.
    """

    directory: DirectoryStore
    audited_writer: AuditedWriter

    async def user(self, provider: str, user_id: str) -> ScimUser:
        """Return a user, or raise `scim-not-found`."""
        place = Place(directory_owner(provider), user_id)
        found = await self.directory.get(ScimUser, place) if _is_id(user_id) else None
        if found is None:
            raise resource_not_found("user", user_id)
        return found

    async def group(self, provider: str, group_id: str) -> ScimGroup:
        """Return a group, or raise `scim-not-found`."""
        place = Place(directory_owner(provider), group_id)
        found = await self.directory.get(ScimGroup, place) if _is_id(group_id) else None
        if found is None:
            raise resource_not_found("group", group_id)
        return found

    async def members(self, group: ScimGroup) -> ScimMembers:
        found = await self.directory.get(ScimMembers, group.place)
        return found or ScimMembers(group=group.id, directory=group.directory)

    async def users(self, provider: str) -> list[ScimUser]:
        """Return all users of a directory, by id. The cost grows with their number."""
        return await self.directory.list_by_owner(ScimUser, directory_owner(provider))

    async def groups(self, provider: str) -> list[ScimGroup]:
        """Return all groups of a directory, by id, without their members."""
        return await self.directory.list_by_owner(ScimGroup, directory_owner(provider))

    async def holder(self, kind: type[KeyedT], provider: str, field: str, value: str) -> str:
        """Return the id of the user or group with a key; empty if there is none. Two reads."""
        key = await self.directory.get(ScimKey, key_place(provider, field, value))
        if key is None or not await self._is_held(kind, key):
            return ""
        return key.holder

    async def add(
        self, entity: KeyedT, *others: ScimMembers, change: EntityChange, by: Principal
    ) -> KeyedT:
        """Create a user or group with its keys, all or nothing; raise `scim-uniqueness`."""
        await self._require_free(entity, entity.keys)
        return await self.audited_writer.add(entity, *entity.keys, *others, change=change, by=by)

    async def replace(
        self, before: KeyedT, after: KeyedT, *, change: EntityChange, by: Principal
    ) -> KeyedT:
        """Store a changed user or group, with its new keys first and its old keys gone last; raise
        `scim-uniqueness` or `Stale`."""
        new = [each for each in after.keys if each not in before.keys]
        await self._require_free(after, new)
        for key in new:
            with suppress(AlreadyThere):  # An earlier attempt of the same holder added it.
                await self.directory.add(key)
        stored = await self.audited_writer.replace(after, change=change, by=by)
        await self._remove_keys([each for each in before.keys if each not in after.keys])
        return stored

    async def remove(self, entity: KeyedT, *, change: EntityChange, by: Principal) -> None:
        await self.audited_writer.remove(entity, change=change, by=by)
        await self._remove_keys(entity.keys)

    async def _remove_keys(self, keys: Sequence[ScimKey]) -> None:
        for key in keys:
            stored = await self.directory.get(ScimKey, key.place)
            if stored is not None and stored.holder == key.holder:
                with suppress(Stale):
                    await self.directory.remove(stored)

    async def _require_free(self, entity: KeyedT, keys: Sequence[ScimKey]) -> None:
        found = await asyncio.gather(*(self.directory.get(ScimKey, each.place) for each in keys))
        for key in found:
            if key is None or key.holder == entity.id:
                continue
            if await self._is_held(type(entity), key):
                raise key_taken(*_named(entity, key.field))
            with suppress(Stale):
                await self.directory.remove(key)

    async def _is_held(self, kind: type[KeyedT], key: ScimKey) -> bool:
        """Check whether the holder of a key still has its value."""
        place = Place(directory_owner(key.directory), key.holder)
        holder = await self.directory.get(kind, place)
        return holder is not None and key.place in [each.place for each in holder.keys]


def _named(entity: ScimUser | ScimGroup, field: str) -> tuple[str, str]:
    if isinstance(entity, ScimGroup):
        is_by_name = entity.rule_name == entity.display_name
        return ("displayName" if is_by_name else "externalId"), entity.rule_name
    values = {"userName": entity.person.user_name, "externalId": entity.person.external_id or ""}
    return field, values[field]


def _is_id(text: str) -> bool:
    """Check whether a text has the form of an id, since anything may be in a path."""
    return len(text) == ID_LENGTH and text.isascii() and text.isalnum()


def version_of(*revisions: int) -> str:
    """Return the weak entity tag of a resource."""
    return f'W/"{".".join(map(str, revisions))}"'


def require_version(wanted: str, current: str) -> None:
    """Raise `scim-version` if a request was made for another version; an empty text is any."""
    known = [each.strip() for each in wanted.split(",")]
    if wanted and "*" not in known and current not in known:
        raise version_outdated(wanted, current)
