"""Groups that a directory provisions by SCIM, and the roles that follow from their members.

A change of members is one write, with the people whose roles have to follow. A request lets the
roles of some of them follow at once, first of those who left, and of others in the background.
What a process leaves when it ends follows with the next change of the group, or with the task
`apply-group-rules`, which also runs when a process starts.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from msgspec import Struct

from shared.auth.secrets import random_text
from shared.domain.entities import Place
from shared.domain.errors.base import NotFound, Refusal, printable
from shared.domain.principals import MAINTENANCE
from shared.domain.scim import (
    PENDING,
    ScimGroup,
    ScimMembers,
    check_member_count,
    checked_group,
    invalid_value,
)
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock, Randomness
from shared.runtime.background_tasks import BackgroundTasks
from shared.runtime.gathering import gather_all
from shared.runtime.retries import retried_when_stale, retried_with_back_off
from shared.services.audited_writes import EntityChange
from shared.services.leases import Leases
from shared.services.limits.notices import ReadOnlyMode
from shared.services.scim.records import ID_LENGTH, ScimRecords, require_version, version_of
from shared.services.scim.tokens import ScimDirectory
from shared.services.scim.users import ScimUsers

FOLLOWED_AT_ONCE = 20  # People of a request; each takes about ten store operations.
_PARALLEL = 5
_READ_ONE_BY_ONE = 20  # If more members are new, they are looked up in the list of all users.


class GroupValues(Struct, frozen=True):
    """What a directory says of a group."""

    display_name: str
    external_id: str | None
    members: tuple[str, ...]


class GroupWithMembers(Struct, frozen=True):
    """A group and the ids of its members."""

    group: ScimGroup
    members: tuple[str, ...]


class ScimGroups(Struct, frozen=True):
    """Creates, changes and removes the groups of directories."""

    directory: DirectoryStore
    scim_records: ScimRecords
    users: ScimUsers
    read_only_mode: ReadOnlyMode
    leases: Leases
    clock: Clock
    randomness: Randomness
    background_tasks: BackgroundTasks

    async def close(self) -> None:
        """Stop the background work, which another process continues."""
        await self.background_tasks.cancel()

    async def read(self, group_id: str, *, of: ScimDirectory) -> GroupWithMembers:
        """Return a group with its members, or raise `scim-not-found`."""
        group = await self.scim_records.group(of.provider, group_id)
        return GroupWithMembers(group, (await self.scim_records.members(group)).members)

    async def find(self, group_id: str, *, of: ScimDirectory) -> list[ScimGroup]:
        """Return the group with this id, if there is one."""
        try:
            return [await self.scim_records.group(of.provider, group_id)]
        except NotFound:
            return []

    async def create(self, values: GroupValues, *, of: ScimDirectory) -> GroupWithMembers:
        """Create a group; raise `scim-refused` and `scim-uniqueness`."""
        await self.read_only_mode.require_changes_allowed()
        now_ms = self.clock.now_ms()
        new = ScimGroup(
            id=random_text(self.randomness, ID_LENGTH),
            directory=of.provider,
            display_name=values.display_name,
            external_id=values.external_id,
            created_ms=now_ms,
            modified_ms=now_ms,
        )
        members = await self._checked_members(values.members, (), of)
        record = ScimMembers(group=new.id, directory=of.provider, members=members, pending=members)
        change = _change("scim.group-created", new, added=len(members))
        group = await self.scim_records.add(
            checked_group(new), record, change=change, by=of.principal
        )
        await self._follow(group, of)
        return GroupWithMembers(group, members)

    @retried_with_back_off
    async def change(
        self,
        group_id: str,
        change: Callable[[GroupWithMembers], GroupValues],
        *,
        version: str = "",
        of: ScimDirectory,
    ) -> GroupWithMembers:
        """Store what `change` returns for a group; raise as `create` does, and `scim-not-found` and
        `scim-version`."""
        await self.read_only_mode.require_changes_allowed()
        async with self.leases.lease(f"scim-group:{group_id}"):
            group = await self.scim_records.group(of.provider, group_id)
            require_version(version, version_of(group.revision))
            record = await self.scim_records.members(group)
            values = change(GroupWithMembers(group, record.members))
            members = await self._checked_members(values.members, record.members, of)
            named = {"display_name": values.display_name, "external_id": values.external_id}
            changed = checked_group(group.model_copy(update=named))
            if changed == group and {*members} == {*record.members}:
                return GroupWithMembers(group, record.members)
            stored = await self._store(group, changed, record, members, of)
        await self._follow(stored, of)
        return GroupWithMembers(stored, members)

    async def _store(
        self,
        before: ScimGroup,
        after: ScimGroup,
        record: ScimMembers,
        members: tuple[str, ...],
        of: ScimDirectory,
    ) -> ScimGroup:
        """Store members and group; a crash between the writes leaves people whose roles follow."""
        left = [each for each in record.members if each not in {*members}]
        known = {*record.members}
        added = [each for each in members if each not in known]
        # With another name, rules know the group as another one.
        others = members if after.rule_name != before.rule_name else added
        pending = tuple(dict.fromkeys((*left, *record.pending, *others)))
        update = {"members": members, "pending": pending}
        changed = record.model_copy(update=update)
        await self.directory.replace(changed)
        touched = after.model_copy(update={"modified_ms": self.clock.now_ms()})
        change = _change("scim.group-changed", after, added=len(added), removed=len(left))
        return await self.scim_records.replace(before, touched, change=change, by=of.principal)

    @retried_with_back_off
    async def remove(self, group_id: str, *, version: str = "", of: ScimDirectory) -> None:
        """Remove a group; what it gave ends. Raises as `change` does.

        Its members are removed first, and the record of those whose roles have to follow last.
        """
        await self.read_only_mode.require_changes_allowed()
        async with self.leases.lease(f"scim-group:{group_id}"):
            group = await self.scim_records.group(of.provider, group_id)
            require_version(version, version_of(group.revision))
            record = await self.scim_records.members(group)
            pending = tuple(dict.fromkeys((*record.members, *record.pending)))
            changed = record.model_copy(update={"members": (), "pending": pending})
            await self.directory.replace(changed)
            change = _change("scim.group-removed", group, removed=len(record.members))
            await self.scim_records.remove(group, change=change, by=of.principal)
        await self._follow(group, of)

    async def follow_all(self, issuers: Mapping[str, str]) -> int:
        """Update the roles of everybody whom an earlier process did not reach; return how many.
        `issuers` are those of identities, by directory."""
        followed = 0
        for record in await self.directory.list_by_subject(ScimMembers, PENDING):
            if record.directory in issuers:
                of = ScimDirectory(record.directory, issuers[record.directory], MAINTENANCE)
                while count := await self._follow_next(record.place, of):
                    followed += count
        return followed

    async def _follow(self, group: ScimGroup, of: ScimDirectory) -> None:
        record = await self.scim_records.members(group)
        await self._follow_members(record, of)
        if len(record.pending) > FOLLOWED_AT_ONCE:
            self.background_tasks.start(self._follow_rest(group.place, of))

    async def _follow_rest(self, place: Place, of: ScimDirectory) -> None:
        with suppress(Refusal):  # A store that does not answer; the task goes on.
            while await self._follow_next(place, of):
                pass

    async def _follow_next(self, place: Place, of: ScimDirectory) -> int:
        record = await self.directory.get(ScimMembers, place)
        return await self._follow_members(record, of) if record else 0

    async def _follow_members(self, record: ScimMembers, of: ScimDirectory) -> int:
        """Update the roles of the first people from their current memberships."""
        due = record.pending[:FOLLOWED_AT_ONCE]
        if not due:
            return 0
        group = await self.directory.get(ScimGroup, record.place) or ScimGroup(
            id=record.group, directory=of.provider, display_name="", created_ms=0, modified_ms=0
        )
        members = {*record.members}
        for begin in range(0, len(due), _PARALLEL):
            # An addition that went on after the failure of another could end after a later removal.
            await gather_all(
                *(
                    self.users.set_group(each, group, is_member=each in members, of=of)
                    for each in due[begin : begin + _PARALLEL]
                )
            )
        await self._end_pending(record, members, due)
        return len(due)

    @retried_when_stale
    async def _end_pending(
        self, seen: ScimMembers, members: Iterable[str], due: Sequence[str]
    ) -> None:
        """Note whose roles followed, unless a change since then let them wait again."""
        stored = await self.directory.get(ScimMembers, seen.place)
        if stored is None:
            return
        was = {*members}
        now = {*stored.members}
        done = {each for each in due if (each in was) is (each in now)}
        left = tuple(each for each in stored.pending if each not in done)
        if not left and not stored.members and not await self._exists(stored):
            await self.directory.remove(stored)
        elif left != stored.pending:
            await self.directory.replace(stored.model_copy(update={"pending": left}))

    async def _exists(self, record: ScimMembers) -> bool:
        return await self.directory.get(ScimGroup, record.place) is not None

    async def _checked_members(
        self, members: Sequence[str], known: Sequence[str], of: ScimDirectory
    ) -> tuple[str, ...]:
        """Return the members, each once; raise `scim-refused` for one who is no user."""
        unique = tuple(dict.fromkeys(members))
        check_member_count(len(unique))
        were = {*known}
        new = [each for each in unique if each not in were]
        missing = await self._missing(new, of)
        if missing:
            reason = f"names {printable(missing[0])!r}, which is no user of this directory"
            raise invalid_value("members", reason)
        return unique

    async def _missing(self, user_ids: Sequence[str], of: ScimDirectory) -> list[str]:
        if len(user_ids) > _READ_ONE_BY_ONE:
            there = {each.id for each in await self.scim_records.users(of.provider)}
            return [each for each in user_ids if each not in there]
        found = await asyncio.gather(*(self._is_user(each, of) for each in user_ids))
        return [each for each, is_user in zip(user_ids, found, strict=True) if not is_user]

    async def _is_user(self, user_id: str, of: ScimDirectory) -> bool:
        try:
            await self.scim_records.user(of.provider, user_id)
        except NotFound:
            return False
        return True


def _change(kind: str, group: ScimGroup, *, added: int = 0, removed: int = 0) -> EntityChange:
    details = {"directory": group.directory, "name": group.display_name}
    details |= {"added": str(added)} if added else {}
    details |= {"removed": str(removed)} if removed else {}
    return EntityChange(kind, group.id, details=details)
