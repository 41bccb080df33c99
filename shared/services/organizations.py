"""Organizations: who owns packages, and who is what in which."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from shared.auth.authorization import Authorization
from shared.auth.base62 import random_text
from shared.auth.token import OWNER_LENGTH
from shared.domain.accounts import Account
from shared.domain.errors import (
    Busy,
    LastOwner,
    NotPermitted,
    OrganizationExists,
    OrganizationNotFound,
    Unavailable,
)
from shared.domain.identity import Principal, Standing
from shared.domain.names import OrgName, is_reserved
from shared.domain.organizations import (
    Membership,
    Organization,
    place_of,
    place_of_member,
)
from shared.domain.rights import Action, Role
from shared.ports import AlreadyThere, Clock, DirectoryStore, Randomness, WorkStore
from shared.services.listing import everything
from shared.services.recording import Change, Recording

LEASE = timedelta(seconds=10)  # A change takes milliseconds; a process that died is waited for.
HOLDER_LENGTH = 20  # Base62: no two changes of a membership share a lease.


@dataclass(frozen=True, slots=True)
class Organizations:
    """Founds organizations and keeps their members."""

    directory: DirectoryStore
    authorization: Authorization
    recording: Recording
    work: WorkStore
    clock: Clock
    randomness: Randomness

    async def found(self, org: OrgName, founder: Account, *, by: Principal) -> Organization:
        """Create the organization with `founder` as its owner.

        The operator and administrators may; a reserved name needs a founder who is administrator.
        Raises `OrganizationExists` when the name is taken, in any spelling, or was before.
        """
        await self._check_founding(org, founder, by)
        if await self.directory.get(Organization, place_of(org)):
            raise OrganizationExists(org)  # Before its event; of two at once the store decides.
        try:
            return await self._add(org, founder, by)
        except AlreadyThere:
            raise OrganizationExists(org) from None

    async def ensure(self, org: OrgName, standing: Standing, *, by: Principal) -> None:
        """Create the organization for the administrator whose push it begins with.

        `standing` is what `Authorization.require` returned; nothing is done where it is there.
        """
        if standing.organization is not None:
            return
        if standing.account is None or not standing.is_administrator:
            raise OrganizationNotFound(org)
        try:
            await self._add(org, standing.account, by)
        except AlreadyThere:
            return  # Another push of an administrator was faster.

    async def all(self) -> list[Organization]:
        """Return every organization, by name. For operators."""
        return await everything(self.directory, Organization)

    async def members(self, org: OrgName, *, by: Principal) -> list[Membership]:
        """Return who is what in the organization; its members may ask."""
        await self.authorization.require(by, Action.READ, org)
        await self._existing(org)
        return await self.directory.of(Membership, org.lower())

    async def of(self, account_id: str) -> list[Membership]:
        """Return the organizations of an account, with its role in each."""
        return await self.directory.about(Membership, account_id)

    async def set_member(self, org: OrgName, member: Account, role: Role, *, by: Principal) -> None:
        """Give the account this role, whatever it was before; owners may.

        Raises `LastOwner` rather than leave the organization without one.
        """
        await self.authorization.require(by, Action.MANAGE, org)
        name = (await self._existing(org)).name

        async def change() -> None:
            if role is not Role.OWNER:
                await self._check_owner_left(org, member)
            await self._set(Membership(org=name, account=member.id, role=role), by)

        await self._alone(org, change)

    async def remove_member(self, org: OrgName, member: Account, *, by: Principal) -> None:
        """Take the account out of the organization; owners may. Raises `LastOwner`."""
        await self.authorization.require(by, Action.MANAGE, org)
        await self._existing(org)

        async def change() -> None:
            await self._check_owner_left(org, member)
            await self._remove(org, member, by)

        await self._alone(org, change)

    async def _check_founding(self, org: OrgName, founder: Account, by: Principal) -> None:
        if not by.is_operator:
            standing = await self.authorization.require(by, Action.MANAGE, org)
            if not standing.is_administrator:
                raise NotPermitted("create", org, "it takes being administrator of the registry")
        if is_reserved(org) and not founder.administrator:
            reason = "organizations that begin with ballerina are for administrators"
            raise NotPermitted("give", f"{org} to {founder.name}", reason)

    async def _add(self, org: OrgName, founder: Account, by: Principal) -> Organization:
        now_ms = self.clock.now_ms()
        organization = Organization(
            id=random_text(self.randomness, OWNER_LENGTH),
            name=org,
            founder=founder.id,
            created_ms=now_ms,
        )
        owner = Membership(org=org, account=founder.id, role=Role.OWNER, since_ms=now_ms)
        details = {"founder": founder.id}
        change = Change("organization.founded", org, org=org, details=details)
        return await self.recording.add(organization, owner, change=change, by=by)

    async def _existing(self, org: OrgName) -> Organization:
        organization = await self.directory.get(Organization, place_of(org))
        if organization is None or organization.deleted:
            raise OrganizationNotFound(org)
        return organization

    async def _check_owner_left(self, org: OrgName, leaving: Account) -> None:
        members = await self.directory.of(Membership, org.lower())
        owners = {each.account for each in members if each.role is Role.OWNER}
        if owners == {leaving.id}:
            raise LastOwner(leaving.name, org)

    async def _alone(self, org: OrgName, change: Callable[[], Awaitable[None]]) -> None:
        """Make a change while nobody else changes members: of two owners who remove each other,
        both would see that the other one stays."""
        holder = random_text(self.randomness, HOLDER_LENGTH)
        if not await self._lease(org, holder, LEASE):
            raise Busy
        try:
            await change()
        finally:
            with suppress(Unavailable):  # What is done is done; the lease ends by itself.
                await self._lease(org, holder, timedelta(0))

    async def _lease(self, org: OrgName, holder: str, lifetime: timedelta) -> bool:
        now_ms = self.clock.now_ms()
        until_ms = now_ms + lifetime // timedelta(milliseconds=1)
        return await self.work.lease(f"members:{org.lower()}", holder, now_ms, until_ms)

    async def _set(self, wanted: Membership, by: Principal) -> None:
        now = await self.directory.get(Membership, wanted.place)
        before = now.role.value if now else ""
        details = {"account": wanted.account, "before": before, "role": wanted.role.value}
        change = Change(
            "member.set", wanted.org, org=wanted.org, account=wanted.account, details=details
        )
        if now is None:
            since = wanted.model_copy(update={"since_ms": self.clock.now_ms()})
            await self.recording.add(since, change=change, by=by)
        else:
            changed = now.model_copy(update={"role": wanted.role})
            await self.recording.replace(changed, change=change, by=by)

    async def _remove(self, org: OrgName, member: Account, by: Principal) -> None:
        now = await self.directory.get(Membership, place_of_member(org, member.id))
        if now is None:
            return  # A repeat.
        details = {"account": member.id, "before": now.role.value}
        change = Change("member.removed", org, org=org, account=member.id, details=details)
        await self.recording.remove(now, change=change, by=by)
