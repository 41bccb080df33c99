"""Organizations: who owns packages, and who is what in which."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from shared.auth.authorization import Authorization
from shared.auth.base62 import random_text
from shared.domain.errors import (
    Busy,
    LastOwner,
    NotPermitted,
    OrganizationExists,
    OrganizationNotFound,
    Unavailable,
)
from shared.domain.identity import (
    Account,
    Action,
    Membership,
    Organization,
    Principal,
    Role,
    Standing,
)
from shared.domain.names import OrgName, is_reserved
from shared.domain.package import Event
from shared.ports import AccountStore, AlreadyThere, Clock, EventStore, Randomness, WorkStore

LEASE = timedelta(seconds=10)  # A change takes milliseconds; a process that died is waited for.
EVENT_ID_LENGTH = 20  # Base62: no two changes of a membership share an id.


@dataclass(frozen=True, slots=True)
class Organizations:
    """Founds organizations and keeps their members."""

    store: AccountStore
    authorization: Authorization
    events: EventStore
    work: WorkStore
    clock: Clock
    randomness: Randomness

    async def found(self, org: OrgName, founder: Account, *, by: Principal) -> Organization:
        """Create the organization with `founder` as its owner.

        The operator and administrators may; a reserved name needs a founder who is administrator.
        Raises `OrganizationExists` when the name is taken, in any spelling, or was before.
        """
        await self._check_founding(org, founder, by)
        if await self.store.organization(org):
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
        return await self.store.organizations()

    async def members(self, org: OrgName, *, by: Principal) -> list[Membership]:
        """Return who is what in the organization; its members may ask."""
        await self.authorization.require(by, Action.READ, org)
        await self._existing(org)
        return await self.store.memberships(org)

    async def of(self, account_id: str) -> list[Membership]:
        """Return the organizations of an account, with its role in each."""
        return await self.store.organizations_of(account_id)

    async def set_member(self, org: OrgName, member: Account, role: Role, *, by: Principal) -> None:
        """Give the account this role, whatever it was before; owners may.

        Raises `LastOwner` rather than leave the organization without one.
        """
        await self.authorization.require(by, Action.MANAGE, org)
        name = (await self._existing(org)).name

        async def change() -> None:
            if role is not Role.OWNER:
                await self._check_owner_left(org, member)
            await self._record("set", name, member, by, role=role.value)
            await self.store.put_membership(Membership(org=name, account=member.id, role=role))

        await self._alone(org, change)

    async def remove_member(self, org: OrgName, member: Account, *, by: Principal) -> None:
        """Take the account out of the organization; owners may. Raises `LastOwner`."""
        await self.authorization.require(by, Action.MANAGE, org)
        name = (await self._existing(org)).name

        async def change() -> None:
            await self._check_owner_left(org, member)
            await self._record("removed", name, member, by)
            await self.store.remove_membership(org, member.id)

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
        event = Event(
            id=f"organization:{org.lower()}@{founder.id}",
            kind="organization.founded",
            at_ms=self.clock.now_ms(),
            actor=by.id,
            subject=org,
            details={"founder": founder.id},
        )
        organization = Organization(
            name=org, founder=founder.id, created_ms=event.at_ms, outbox=(event,)
        )
        # Event before record: a crash between the two leaves an event too many, which the next
        # push to the organization makes true, never an organization that nobody was told of.
        await self.events.append([event])
        await self.store.add_organization(organization)
        return organization

    async def _existing(self, org: OrgName) -> Organization:
        organization = await self.store.organization(org)
        if organization is None or organization.deleted:
            raise OrganizationNotFound(org)
        return organization

    async def _check_owner_left(self, org: OrgName, leaving: Account) -> None:
        owners = {
            each.account for each in await self.store.memberships(org) if each.role is Role.OWNER
        }
        if owners == {leaving.id}:
            raise LastOwner(leaving.name, org)

    async def _alone(self, org: OrgName, change: Callable[[], Awaitable[None]]) -> None:
        """Make a change while nobody else changes members: of two owners who remove each other,
        both would see that the other one stays."""
        holder = random_text(self.randomness, EVENT_ID_LENGTH)
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

    async def _record(
        self, change: str, org: str, member: Account, by: Principal, **details: str
    ) -> None:
        # Event before change: a crash between the two leaves an event too many, never one too few.
        event = Event(
            id=f"member:{random_text(self.randomness, EVENT_ID_LENGTH)}",
            kind=f"member.{change}",
            at_ms=self.clock.now_ms(),
            actor=by.id,
            subject=org,
            details={"account": member.id, **details},
        )
        await self.events.append([event])
