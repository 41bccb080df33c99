"""Organizations: creation, profile, and their members."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Self

from shared.auth.authorization import Authorization
from shared.auth.secrets import random_text
from shared.auth.tokens import OWNER_LENGTH
from shared.domain.access import AccessContext, refusal_of, require_right
from shared.domain.accounts import Account
from shared.domain.errors.identity import CredentialsMissing, NotPermitted, TokenUnknown
from shared.domain.errors.mirroring import OwnedByUpstream
from shared.domain.errors.organizations import (
    LooksAlike,
    MemberNotFound,
    NameKeptBack,
    NotCreatedByPush,
    OrganizationExists,
    OrganizationNotFound,
)
from shared.domain.errors.packages import NotMadeInternal
from shared.domain.identity import Principal
from shared.domain.lookalike_names import skeletons
from shared.domain.members import Membership, member_place
from shared.domain.mirroring import NameOwner
from shared.domain.names import OrgName, is_one_edit_apart, is_reserved
from shared.domain.organizations import (
    NameSkeleton,
    Organization,
    organization_place,
    parse_description,
    parse_display_name,
)
from shared.domain.packages import Visibility
from shared.domain.rate_limits import RateLimitClass, RateLimitKeys
from shared.domain.records import Place
from shared.domain.reserved_names import is_reserved_name
from shared.domain.rights import Action, Role, Scope
from shared.domain.tokens import Made
from shared.ports import AlreadyThere, Clock, DirectoryStore, Randomness
from shared.runtime.retries import retry_when_stale
from shared.services.identity.accounts import account_by_id, accounts_by_ids
from shared.services.limits.rate_limits import RateLimiter
from shared.services.mirroring.upstream_names import UpstreamNames
from shared.services.organizations.members import Actor, OrganizationMembers, RequestedMembership
from shared.services.organizations.reserved_names import stored_patterns
from shared.services.records import EntityChange, RecordWriter, all_entities, retried_when_leased
from shared.services.tokens.token_lineage import TokenLineage

_PROFILE = ("display_name", "description", "default_visibility")


@dataclass(frozen=True, slots=True)
class OrganizationProfile:
    """Changes of an organization's profile; None keeps a part as it is."""

    display_name: str | None = None
    description: str | None = None
    default_visibility: Visibility | None = None

    @classmethod
    def parse(
        cls,
        display_name: str | None,
        description: str | None,
        default_visibility: Visibility | None,
    ) -> Self:
        """Return the profile, or raise `InvalidRequest`."""
        return cls(
            None if display_name is None else parse_display_name(display_name),
            None if description is None else parse_description(description),
            default_visibility,
        )

    def applied_to(self, organization: Organization) -> Organization:
        values = {name: getattr(self, name) for name in _PROFILE}
        changes = {name: value for name, value in values.items() if value is not None}
        return organization.model_copy(update=changes)


@dataclass(frozen=True, slots=True)
class Member:
    """A membership with the name of its account."""

    name: str
    membership: Membership


@dataclass(frozen=True, slots=True)
class PublicMembers:
    """The public part of a member list: when the last owner was added, since a recent change of
    owners is a risk, and the members who chose to be shown."""

    newest_owner_ms: int
    shown: tuple[Membership, ...]


@dataclass(frozen=True, slots=True)
class OrganizationMembership:
    """An organization with the role of an account in it."""

    organization: Organization
    role: Role
    is_shown: bool = False


class OrganizationCreators(Enum):
    """Who may create organizations."""

    ANYONE = "anyone"
    ADMINISTRATORS = "administrators"


@dataclass(frozen=True, slots=True)
class Organizations:
    """Creates organizations, and reads and changes their profiles and members.

    `reserved_patterns` are the reserved names of the settings. Those of administrators are read for
    each creation, so that a change takes effect everywhere at once.
    """

    directory: DirectoryStore
    authorization: Authorization
    record_writer: RecordWriter
    organization_members: OrganizationMembers
    lineage: TokenLineage
    rate_limiter: RateLimiter
    clock: Clock
    randomness: Randomness
    creators: OrganizationCreators = OrganizationCreators.ANYONE
    reserved_patterns: tuple[str, ...] = ()
    upstream_names: UpstreamNames | None = None  # None without an upstream.

    async def create(
        self,
        org: OrgName,
        owner: Account,
        *,
        by: Principal,
        profile: OrganizationProfile | None = None,
    ) -> Organization:
        """Create an organization with its first owner.

        Raises `OrganizationExists` for a name that is taken in any spelling, and `OwnedByUpstream`
        for one that an upstream owns or that a rule of the mirror names; except for
        administrators, `LooksAlike`, `NameKeptBack` or `TooManyRequests`.
        """
        profile = profile or OrganizationProfile()
        await self._check_creator(org, owner, by)
        if await self.directory.get(Organization, organization_place(org)):
            raise OrganizationExists(org)  # Before the rate limit; the store decides races.
        await self._check_display_name(org, profile.display_name or "")
        if owner.id == by.id and not owner.administrator:
            # Names are few, and a creator of many keeps them from others.
            await self.rate_limiter.check(RateLimitClass.FOUND, RateLimitKeys.of(by))
        return await self._add(profile.applied_to(self._new(org, owner)), by)

    async def name_warning(self, org: OrgName) -> str:
        """Ask the upstreams for the name of a new organization, and return a sentence for its
        creator; empty if there is nothing to say. An upstream that fails is waited for some
        seconds."""
        return (await self.upstream_names.check(org)).warning if self.upstream_names else ""

    async def create_if_absent(self, org: OrgName, access: AccessContext, *, by: Principal) -> None:
        """Create the organization of an administrator's push, unless it exists; raise
        `NotCreatedByPush` for a name that is reserved or perhaps mistyped.

        `access` is the result of `Authorization.require`.
        """
        if access.organization is not None:
            return
        if access.account is None or not access.is_administrator:
            raise OrganizationNotFound(org)
        await self._check_meant(org)
        with suppress(OrganizationExists):  # By another push of an administrator.
            await self._add(self._new(org, access.account), by)

    async def _check_meant(self, org: OrgName) -> None:
        if is_reserved_name(org, await self._reserved_patterns()):
            raise NotCreatedByPush(org, "the name is, or looks like, a reserved one")
        for known in await all_entities(self.directory, Organization):
            if is_one_edit_apart(org, known.name):
                reason = f"its name is one character away from {known.name}, which exists"
                raise NotCreatedByPush(org, reason)

    async def show(self, org: OrgName, *, by: Principal) -> Organization:
        """Return the organization; only members find one whose packages are private by default."""
        access = await self.directory.access_context(by.id, org, self.clock.now_ms())
        organization = access.require_organization(org)
        if organization.is_hidden and refusal_of(by, access, Action.READ, org) is not None:
            raise OrganizationNotFound(org)
        return organization

    async def access_context(self, org: OrgName, *, by: Principal) -> AccessContext:
        """Return the access of a member; raise as `Authorization.require_member` does."""
        return await self.authorization.require_member(by, org)

    async def change(
        self, org: OrgName, profile: OrganizationProfile, *, by: Principal
    ) -> Organization:
        """Change the profile; the default visibility takes `Action.GOVERN`. Raises
        `NotMadeInternal`."""
        if profile.default_visibility is Visibility.INTERNAL:
            raise NotMadeInternal

        async def attempt() -> Organization:
            access = await self.authorization.require_within(by, Action.MANAGE, org)
            if profile.default_visibility is not None:
                require_right(by, access, Action.GOVERN, org)
            await self._check_display_name(org, profile.display_name or "")
            return await self._change(access.require_organization(org), profile, by)

        return await retry_when_stale(attempt)

    async def memberships_of(self, account_id: str) -> list[Membership]:
        now_ms = self.clock.now_ms()
        stored = await self.directory.list_by_subject(Membership, account_id)
        return [current for each in stored if (current := each.at(now_ms)) is not None]

    async def list_own(self, *, by: Principal) -> list[OrganizationMembership]:
        """Return the organizations of `by` that its credential may read, by name."""
        if by.is_anonymous:
            raise CredentialsMissing
        memberships = await self.memberships_of(by.id)
        names = [OrgName(each.org) for each in memberships]
        contexts = await asyncio.gather(
            *(self.directory.access_context(by.id, name, self.clock.now_ms()) for name in names)
        )
        return [
            OrganizationMembership(
                access.require_organization(name), access.role, membership.is_shown
            )
            for name, access, membership in zip(names, contexts, memberships, strict=True)
            if access.role and refusal_of(by, access, Action.READ, name) is None
        ]

    async def members(self, org: OrgName, *, by: Principal) -> list[Member]:
        """Return the members by name, to members only."""
        access = await self.authorization.require_within(by, Action.READ, org)
        stored = await self.organization_members.read(access.require_organization(org))
        members = await asyncio.gather(*(self._with_name(each) for each in stored.members))
        return sorted(members, key=lambda member: member.name.lower())

    async def show_member(self, org: OrgName, account_id: str, *, by: Principal) -> Member:
        """Return a member, to members only; raise `MemberNotFound`."""
        await self.authorization.require_within(by, Action.READ, org)
        account, membership = await self._member(org, account_id)
        return Member(account.name, membership)

    async def member_account(self, org: OrgName, account_id: str, *, by: Principal) -> Account:
        """Return the account of a member, or raise `MemberNotFound`, whether the account exists.

        Actions on the member check their own rights.
        """
        await self.authorization.require_member(by, org)
        account, _ = await self._member(org, account_id)
        return account

    async def public_members(self, organization: Organization) -> PublicMembers:
        members = await self.organization_members.read(organization)
        return PublicMembers(members.newest_owner_ms, members.public_members)

    async def with_names(self, memberships: Iterable[Membership]) -> list[Member]:
        """Return the members by name, without deleted accounts."""
        by_id = {each.account: each for each in memberships}
        accounts = await accounts_by_ids(self.directory, by_id)
        members = [Member(account.name, by_id[account.id]) for account in accounts]
        return sorted(members, key=lambda member: member.name.lower())

    async def show_membership(self, org: OrgName, *, by: Principal) -> None:
        """Make the membership of `by` public; a repeat changes nothing."""
        await self._set_shown(org, "member.shown", by, is_shown=True)

    async def hide_membership(self, org: OrgName, *, by: Principal) -> None:
        """Show the membership of `by` to members only; a repeat changes nothing."""
        await self._set_shown(org, "member.hidden", by, is_shown=False)

    @retried_when_leased
    async def set_member(
        self, org: OrgName, account: Account, role: Role, *, by: Principal
    ) -> None:
        """Give a member a role; the operator and administrators also add members.

        A role that publishes or owns takes `Action.GOVERN`. Changes of owners may be delayed, as
        `OrganizationMembers.apply` says.
        """
        action = Action.MANAGE if role is Role.MEMBER else Action.GOVERN
        access = await self.authorization.require_within(by, action, org)
        actor = Actor(by, access)
        async with self.organization_members.locked(access.require_organization(org)) as members:
            if members.member(account.id) is None:
                if not actor.is_operator_or_administrator:
                    raise MemberNotFound(account.name, members.org)
                await self.lineage.record(
                    by, Made.MEMBERSHIP, account.id, account.name, members.org
                )
            request = RequestedMembership(account, role, made_with=by.token)
            await self.organization_members.apply(members, request, actor)
        await self.lineage.require_not_stolen(by)

    @retried_when_leased
    async def remove_member(self, org: OrgName, account: Account, *, by: Principal) -> None:
        """Remove a member: owners remove others, everybody removes themselves."""
        action = Action.LEAVE if by.id == account.id else Action.MANAGE
        access = await self.authorization.require_within(by, action, org)
        async with self.organization_members.locked(access.require_organization(org)) as members:
            request = RequestedMembership(account, None)
            await self.organization_members.apply(members, request, Actor(by, access))

    async def pending_changes(self, org: OrgName, *, by: Principal) -> list[Member]:
        """Return the members with a scheduled change, to members only."""
        return [each for each in await self.members(org, by=by) if each.membership.pending]

    @retried_when_leased
    async def cancel_change(self, org: OrgName, account: Account, *, by: Principal) -> None:
        """Cancel the scheduled change of a member; any owner may."""
        access = await self.authorization.require_within(by, Action.GOVERN, org)
        async with self.organization_members.locked(access.require_organization(org)) as members:
            await self.organization_members.cancel(members, account, Actor(by, access))

    async def change_role(
        self, org: OrgName, account_id: str, role: Role, *, by: Principal
    ) -> None:
        """Give a member another role, as `set_member` does; raise `MemberNotFound`."""
        account = await self.member_account(org, account_id, by=by)
        await self.set_member(org, account, role, by=by)

    async def end_membership(self, org: OrgName, account_id: str, *, by: Principal) -> None:
        """Remove a member, as `remove_member` does; raise `MemberNotFound`."""
        account = await self.member_account(org, account_id, by=by)
        await self.remove_member(org, account, by=by)

    async def cancel_role_change(self, org: OrgName, account_id: str, *, by: Principal) -> None:
        """Cancel the scheduled change of a member; raise `MemberNotFound`."""
        account = await self.member_account(org, account_id, by=by)
        await self.cancel_change(org, account, by=by)

    async def _check_creator(self, org: OrgName, owner: Account, by: Principal) -> None:
        """Raise unless `by` may create an organization with this name for the owner."""
        if by.is_operator:
            _check_reserved(org, owner)
            return
        access = await self._creator_access(org, by)
        if access.is_administrator:
            _check_reserved(org, owner)
            return
        if self.creators is OrganizationCreators.ADMINISTRATORS:
            raise NotPermitted("create", org, "only administrators of the registry can do this")
        if owner.id != by.id:
            raise NotPermitted("create", f"{org} for {owner.name}", "only they themselves may")
        if is_reserved_name(org, await self._reserved_patterns()):
            raise NameKeptBack(org)
        if access.organization is not None:
            raise OrganizationExists(org)
        await self._check_lookalikes(org, org)

    async def _creator_access(self, org: OrgName, by: Principal) -> AccessContext:
        if by.is_anonymous:
            raise CredentialsMissing
        access = await self.directory.access_context(by.id, org, self.clock.now_ms())
        if access.account is None:
            raise TokenUnknown  # A CI job has no account that could own an organization.
        if not by.allows(Scope.MANAGE, org):
            raise NotPermitted("create", org, "the token lacks the scope manage here")
        return access

    async def _check_display_name(self, org: OrgName, text: str) -> None:
        """Raise if the display name is reserved or looks like another organization's name."""
        patterns = await self._reserved_patterns() if text else ()
        if is_reserved_name(text, patterns) and not is_reserved_name(org, patterns):
            raise NameKeptBack(text)
        await self._check_lookalikes(org, text)

    async def _reserved_patterns(self) -> tuple[str, ...]:
        stored = await stored_patterns(self.directory)
        return (*self.reserved_patterns, *(each.pattern for each in stored))

    async def _check_lookalikes(self, org: OrgName, text: str) -> None:
        for skeleton in sorted(skeletons(text)):
            for known in await self.directory.list_by_subject(NameSkeleton, skeleton):
                if known.org.lower() != org.lower():
                    raise LooksAlike(text)

    def _new(self, org: OrgName, owner: Account) -> Organization:
        return Organization(
            id=random_text(self.randomness, OWNER_LENGTH),
            name=org,
            founder=owner.id,
            created_ms=self.clock.now_ms(),
        )

    async def _add(self, organization: Organization, by: Principal) -> Organization:
        """Add the organization with its first owner, which makes the name ours.

        Raises `OrganizationExists` or `OwnedByUpstream`.
        """
        name, owner = organization.name, organization.founder
        if self.upstream_names is not None:
            await self.upstream_names.require_foundable(OrgName(name))
        since_ms = organization.created_ms
        membership = Membership(org=name, account=owner, role=Role.OWNER, since_ms=since_ms)
        lookalikes = [NameSkeleton(org=name, skeleton=each) for each in sorted(skeletons(name))]
        details = {"founder": owner}
        change = EntityChange(
            "organization.founded", name, org=name, account=owner, details=details
        )
        records, owner_of_name = (membership, *lookalikes), NameOwner(org=name, since_ms=since_ms)
        with suppress(AlreadyThere):
            return await self.record_writer.add(
                organization, *records, owner_of_name, change=change, by=by
            )
        known = await self.directory.get(NameOwner, owner_of_name.place)
        if known is not None and known.upstream:
            raise OwnedByUpstream(name, known.upstream)
        try:  # The name may be ours from an organization that was deleted.
            return await self.record_writer.add(organization, *records, change=change, by=by)
        except AlreadyThere:
            raise OrganizationExists(name) from None

    async def _change(
        self, organization: Organization, profile: OrganizationProfile, by: Principal
    ) -> Organization:
        changed = profile.applied_to(organization)
        details = _differences(organization, changed)
        if not details:
            return organization
        name = organization.name
        change = EntityChange("organization.changed", name, org=name, details=details)
        return await self.record_writer.replace(changed, change=change, by=by)

    @retried_when_leased
    async def _set_shown(self, org: OrgName, kind: str, by: Principal, *, is_shown: bool) -> None:
        access = await self.authorization.require_within(by, Action.LEAVE, org)
        async with self.organization_members.locked(access.require_organization(org)) as members:
            current = members.member(by.id)
            if current is None:
                raise MemberNotFound(by.id, org)
            if current.is_shown is is_shown:
                return
            changed = current.model_copy(update={"is_shown": is_shown})
            change = EntityChange(kind, members.org, org=members.org, account=by.id)
            await self.record_writer.replace(changed, change=change, by=by)

    async def _with_name(self, membership: Membership) -> Member:
        account = await self.directory.get(Account, Place(membership.account))
        return Member(account.name if account else membership.account, membership)

    async def _member(self, org: OrgName, account_id: str) -> tuple[Account, Membership]:
        account = await account_by_id(self.directory, account_id)
        if account is None:
            raise MemberNotFound(account_id, org)
        stored = await self.directory.get(Membership, member_place(org, account.id))
        current = stored.at(self.clock.now_ms()) if stored else None
        if current is None:
            raise MemberNotFound(account_id, org)
        return account, current


def _check_reserved(org: OrgName, owner: Account) -> None:
    if is_reserved(org) and not owner.administrator:
        reason = "organizations that begin with ballerina are for administrators"
        raise NotPermitted("give", f"{org} to {owner.name}", reason)


def _differences(before: Organization, after: Organization) -> dict[str, str]:
    """Return the values of the changed fields before and after, as event details."""
    changed = [name for name in _PROFILE if getattr(before, name) != getattr(after, name)]
    values = [("before", before), ("after", after)]
    return {
        f"{name}_{when}": _text(getattr(each, name)) for name in changed for when, each in values
    }


def _text(value: str | Visibility) -> str:
    return value.value if isinstance(value, Visibility) else value
