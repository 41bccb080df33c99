"""People whom a directory provisions by SCIM: their accounts are created, locked and unlocked.

A directory changes the accounts that it made, and those that an administrator let it take over. The
account of a person is that of the identity with the external id; names and addresses find none. A
request first changes the account and then its own record, so that one that failed is repeated by
the directory, and changes nothing twice.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from shared.auth.identity_providers import VerifiedIdentity, mail_address, one_line
from shared.auth.registry_authorization import RegistryAuthorization
from shared.auth.secrets import random_text
from shared.domain.accounts import Account
from shared.domain.directory_locks import DirectoryState
from shared.domain.entities import Place
from shared.domain.errors.base import NotFound, Refusal
from shared.domain.errors.identity import account_not_found
from shared.domain.identities import Identity, identity_place
from shared.domain.principals import Principal
from shared.domain.scim import (
    ScimGroup,
    ScimMembers,
    ScimPerson,
    ScimUser,
    ScimWaiting,
    checked_person,
    directory_owner,
    group_names,
)
from shared.domain.status import StatusProblem, Urgency
from shared.domain.text_lines import first_of
from shared.ports.conflicts import Stale
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock, Randomness
from shared.runtime.retries import retried_when_stale, retried_with_back_off
from shared.services.administration.directory_locks import DirectoryLocks
from shared.services.administration.group_roles import RolesByGroups
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.identity.accounts import accounts_by_ids
from shared.services.identity.sessions import Identities
from shared.services.leases import Leases
from shared.services.limits.notices import ReadOnlyMode
from shared.services.scim.records import ID_LENGTH, ScimRecords, require_version, version_of
from shared.services.scim.tokens import ScimDirectory, ScimTokens

EVERY_WAITING = "*"  # Given instead of account names, it means all accounts that wait.


class WaitingTakeover(Struct, frozen=True):
    """An account that exists and that a directory may take over if an administrator approves."""

    account: Account
    user: ScimUser


class ScimUsers(Struct, frozen=True):
    """Creates, changes and removes the users of directories, and what follows for accounts."""

    directory: DirectoryStore
    scim_records: ScimRecords
    identities: Identities
    directory_locks: DirectoryLocks
    roles_by_groups: RolesByGroups
    read_only_mode: ReadOnlyMode
    leases: Leases
    clock: Clock
    randomness: Randomness

    async def create(self, person: ScimPerson, *, of: ScimDirectory) -> ScimUser:
        """Create a user and, with an external id, its account.

        Raises `scim-refused`, `scim-uniqueness`, and `last-administrator` for an inactive person
        whose account is that of the last administrator.
        """
        await self.read_only_mode.require_changes_allowed()
        now_ms = self.clock.now_ms()
        user = ScimUser(
            id=random_text(self.randomness, ID_LENGTH),
            directory=of.provider,
            person=checked_person(person, of.provider),
            created_ms=now_ms,
            modified_ms=now_ms,
        )
        change = _change("scim.user-created", user)
        stored = await self.scim_records.add(user, change=change, by=of.principal)
        try:
            return await self._settled(stored.id, of)
        except Refusal:
            await self._drop(stored.id, of)
            raise

    async def find(self, field: str, value: str, *, of: ScimDirectory) -> list[ScimUser]:
        """Return the user with this `id`, `userName` or `externalId`, if there is one."""
        user_id = value
        if field != "id":
            user_id = await self.scim_records.holder(ScimUser, of.provider, field, value)
        try:
            return [await self.scim_records.user(of.provider, user_id)] if user_id else []
        except NotFound:
            return []

    @retried_with_back_off
    async def change(
        self,
        user_id: str,
        change: Callable[[ScimUser], ScimPerson],
        *,
        version: str = "",
        of: ScimDirectory,
    ) -> ScimUser:
        """Store what `change` returns for a user, with what follows for the account; raise as
        `create` does, and `scim-not-found` and `scim-version`."""
        await self.read_only_mode.require_changes_allowed()
        async with self.leases.lease(_lease(user_id)):
            user = await self.scim_records.user(of.provider, user_id)
            require_version(version, version_of(user.revision))
            person = checked_person(change(user), of.provider)
            is_settled = bool(user.subject) or not person.external_id
            if person == user.person and is_settled:
                return user
            if person.external_id != user.person.external_id:
                await self._part(user, of)
                user = user.model_copy(update={"account": "", "waits_for": ""})
            return await self._settle(user, person, of)

    @retried_with_back_off
    async def remove(self, user_id: str, *, version: str = "", of: ScimDirectory) -> None:
        """Remove a user, and lock its account; raise as `change` does.

        The account stays, with its releases: erasing one is for administrators.
        """
        await self.read_only_mode.require_changes_allowed()
        async with self.leases.lease(_lease(user_id)):
            user = await self.scim_records.user(of.provider, user_id)
            require_version(version, version_of(user.revision))
            await self._part(user, of)
            for group_id in user.groups:
                await self._leave(Place(user.place.owner, group_id), user.id)
            change = _change("scim.user-removed", user)
            await self.scim_records.remove(user, change=change, by=of.principal)

    @retried_with_back_off
    async def set_group(
        self, user_id: str, group: ScimGroup, *, is_member: bool, of: ScimDirectory
    ) -> None:
        """Update the person's roles from their group memberships. A repeat changes nothing, and
        continues after a crash."""
        async with self.leases.lease(_lease(user_id)):
            [user] = await self.find("id", user_id, of=of) or [None]
            if user is None:
                return
            groups = {each: name for each, name in user.groups.items() if each != group.id}
            if is_member:
                groups[group.id] = group.rule_name
            changed = user.model_copy(update={"groups": groups})
            if changed != user:
                changed = await self.directory.replace(changed)
            if changed.account:
                await self._push_groups(changed, of.issuer)

    async def let_take_over(self, waiting: ScimUser, *, of: ScimDirectory) -> ScimUser:
        """Let a directory take over the account that its user waits for; callers check rights."""
        await self._mark_provisioned(_identity_place(waiting, of))
        return await self._settled(waiting.id, of)

    @retried_with_back_off
    async def _settled(self, user_id: str, of: ScimDirectory) -> ScimUser:
        async with self.leases.lease(_lease(user_id)):
            user = await self.scim_records.user(of.provider, user_id)
            return await self._settle(user, user.person, of)

    async def _settle(self, user: ScimUser, person: ScimPerson, of: ScimDirectory) -> ScimUser:
        """Bring the account of a user up to date, and store the user with what its directory says;
        the lease of the user is held."""
        named = user.model_copy(update={"person": person, "modified_ms": self.clock.now_ms()})
        linked = await self._link(named, of)
        if linked.account:
            await self._apply(user, linked, of)
        await self._store_waiting(linked)
        if person != user.person:
            change = _change("scim.user-changed", linked, before=user)
            stored = await self.scim_records.replace(user, linked, change=change, by=of.principal)
        elif linked.subject != user.subject or linked.account != user.account:
            stored = await self.directory.replace(linked)
        else:
            return user
        if stored.account and stored.groups and not user.account:
            await self._push_groups(stored, of.issuer)
        return stored

    @retried_when_stale
    async def _store_waiting(self, user: ScimUser) -> None:
        """List the user among those that wait for an administrator, or not."""
        stored = await self.directory.get(ScimWaiting, user.place)
        if user.waits_for and stored is None:
            waiting = ScimWaiting(directory=user.directory, user=user.id, account=user.waits_for)
            await self.directory.add(waiting)
        elif stored is not None and stored.account != user.waits_for:
            await self.directory.remove(stored)
            raise Stale  # Another account may wait.

    async def _link(self, user: ScimUser, of: ScimDirectory) -> ScimUser:
        """Return the user with its account, which is created if nobody has the identity."""
        external_id = user.person.external_id
        if not external_id:
            return user.model_copy(update={"account": "", "waits_for": ""})
        place = _identity_place(user, of)
        identity = await self.directory.get(Identity, place)
        if identity is None:
            await self.identities.register_provisioned(
                _verified(user.person, of.issuer), of.provider, by=of.principal
            )
            identity = await self.directory.get(Identity, place)
        if identity is None:
            return user
        if not identity.is_provisioned:
            return user.model_copy(update={"account": "", "waits_for": identity.account})
        return user.model_copy(update={"account": identity.account, "waits_for": ""})

    async def _apply(self, before: ScimUser, user: ScimUser, of: ScimDirectory) -> None:
        """Lock or unlock the account, and store its address, where these changed."""
        is_new = before.account != user.account
        was_active = before.person.is_active
        if not user.person.is_active and (is_new or was_active):
            state = DirectoryState.DISABLED
            await self.directory_locks.deactivate(user.account, of.provider, state)
        elif user.person.is_active and (is_new or not was_active):
            await self.directory_locks.activate(user.account, of.provider)
        if user.person.email and (is_new or before.person.email != user.person.email):
            await self._store_email(user.account, user.person.email)

    async def _part(self, user: ScimUser, of: ScimDirectory) -> None:
        """Undo what a directory did for the account of a user that it removes, and lock the
        account."""
        await self._store_waiting(user.model_copy(update={"waits_for": ""}))
        if not user.account:
            return
        state = DirectoryState.GONE
        await self.directory_locks.deactivate(user.account, of.provider, state)
        await self.roles_by_groups.pushed(_identity_place(user, of), ())

    @retried_when_stale
    async def _leave(self, group: Place, user_id: str) -> None:
        record = await self.directory.get(ScimMembers, group)
        if record is not None and user_id in record.members:
            left = tuple(each for each in record.members if each != user_id)
            await self.directory.replace(record.model_copy(update={"members": left}))

    async def _push_groups(self, user: ScimUser, issuer: str) -> None:
        place = identity_place(issuer, user.person.external_id or "")
        await self.roles_by_groups.pushed(place, group_names(user.groups.values()))

    @retried_when_stale
    async def _store_email(self, account_id: str, text: str) -> None:
        account = await self.directory.get(Account, Place(account_id))
        address = mail_address(text)
        if account is not None and address and account.email != address:
            await self.directory.replace(account.model_copy(update={"email": address}))

    @retried_when_stale
    async def _mark_provisioned(self, place: Place) -> None:
        identity = await self.directory.get(Identity, place)
        if identity is not None and not identity.is_provisioned:
            await self.directory.replace(identity.model_copy(update={"is_provisioned": True}))

    @retried_when_stale
    async def _drop(self, user_id: str, of: ScimDirectory) -> None:
        """Remove a user whose creation was refused."""
        [user] = await self.find("id", user_id, of=of) or [None]
        if user is not None:
            change = _change("scim.user-removed", user)
            await self.scim_records.remove(user, change=change, by=of.principal)


class Takeovers(Struct, frozen=True):
    """Lets directories take over accounts that exist, if an administrator approves."""

    directory: DirectoryStore
    registry_authorization: RegistryAuthorization
    scim_records: ScimRecords
    users: ScimUsers
    tokens: ScimTokens
    audited_writer: AuditedWriter
    issuers: Mapping[str, str]

    async def waiting(self) -> list[WaitingTakeover]:
        """Return the accounts that wait, by name; callers check rights. The cost grows with their
        number."""
        listed = [
            each
            for provider in self.issuers
            for each in await self.directory.list_by_owner(ScimWaiting, directory_owner(provider))
        ]
        read = await asyncio.gather(*(self.directory.get(ScimUser, e.place) for e in listed))
        users = [each for each in read if each is not None and each.waits_for]
        accounts = {
            each.id: each
            for each in await accounts_by_ids(self.directory, [each.waits_for for each in users])
        }
        found = [
            WaitingTakeover(accounts[user.waits_for], user)
            for user in users
            if user.waits_for in accounts
        ]
        return sorted(found, key=lambda each: each.account.name.lower())

    async def problems(self) -> list[StatusProblem]:
        """Return that accounts wait, and what is wrong with tokens; callers check rights."""
        waiting = await self.waiting()
        found = [waiting_takeovers_problem(waiting)] if waiting else []
        return [*found, *await self.tokens.problems()]

    async def listed(self, *, by: Principal) -> list[WaitingTakeover]:
        await self.registry_authorization.require_auditor(by, "see", "what directories wait for")
        return await self.waiting()

    async def allow(self, names: Sequence[str], *, by: Principal) -> list[WaitingTakeover]:
        """Let directories take over accounts by their names, or all that wait; return what waits
        then. Raises `account-not-found` for an account that does not wait."""
        what = "accounts that directories take over"
        await self.registry_authorization.require_fresh(by, "choose", what)
        waiting = await self.waiting()
        by_name = {each.account.name.lower(): each for each in waiting}
        by_name |= {f"id:{each.account.id}".lower(): each for each in waiting}
        chosen = waiting if EVERY_WAITING in names else [_chosen(each, by_name) for each in names]
        for each in chosen:
            await self._allow(each, by)
        return await self.waiting()

    async def _allow(self, waiting: WaitingTakeover, by: Principal) -> None:
        account = waiting.account
        provider = waiting.user.directory
        details = {"directory": provider, "name": account.name}
        change = EntityChange("scim.takeover", account.id, account=account.id, details=details)
        await self.audited_writer.append(change, by=by)
        of = ScimDirectory(provider, self.issuers[provider], by)
        await self.users.let_take_over(waiting.user, of=of)


def _chosen(name: str, waiting: dict[str, WaitingTakeover]) -> WaitingTakeover:
    found = waiting.get(name.lower())
    if found is None:
        raise account_not_found(name, "No directory waits to take over an account of this name.")
    return found


def waiting_takeovers_problem(waiting: Sequence[WaitingTakeover]) -> StatusProblem:
    """Return the problem that accounts wait for an administrator."""
    names = first_of([each.account.name for each in waiting])
    return StatusProblem(
        Urgency.WARN,
        f"A directory provisions people whose accounts exist, and waits for a yes: {names}.",
        "Let it take them over on /manage/scim, or with `ballroom scim take-over`.",
        page="/manage/scim",
    )


def _lease(user_id: str) -> str:
    return f"scim-user:{user_id}"


def _identity_place(user: ScimUser, of: ScimDirectory) -> Place:
    return identity_place(of.issuer, user.person.external_id or "")


def _verified(person: ScimPerson, issuer: str) -> VerifiedIdentity:
    return VerifiedIdentity(
        issuer=issuer,
        identifier=person.external_id or "",
        label=one_line(person.user_name),
        email=mail_address(person.email),
        display_name=one_line(person.full_name),
        strong=False,
        authenticated_ms=0,
    )


def _change(kind: str, user: ScimUser, before: ScimUser | None = None) -> EntityChange:
    """Return the change of a user; it names fields and no value, which is about the person."""
    details = {"directory": user.directory}
    if before is not None:
        fields = type(user.person).model_fields
        changed = [
            each for each in fields if getattr(user.person, each) != getattr(before.person, each)
        ]
        details["fields"] = ", ".join(sorted(changed))
    return EntityChange(kind, user.id, account=user.account or user.waits_for, details=details)
