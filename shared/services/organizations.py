"""Organizations: creating them, their profile, and reading and changing their members."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Self

from shared.auth.authorization import Authorization
from shared.auth.secrets import random_text
from shared.auth.tokens import OWNER_LENGTH
from shared.domain.accounts import Account
from shared.domain.errors.identity import CredentialsMissing, NotPermitted, TokenUnknown
from shared.domain.errors.organizations import (
    LooksAlike,
    MemberNotFound,
    NameKeptBack,
    OrganizationExists,
    OrganizationNotFound,
)
from shared.domain.identity import AccessContext, Principal, refusal_of, require_right
from shared.domain.members import Membership, member_place
from shared.domain.names import OrgName, is_reserved
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
from shared.domain.reserved_names import is_reserved_name, skeletons
from shared.domain.rights import Action, Role, Scope
from shared.domain.tokens import Made
from shared.ports import AlreadyThere, Clock, DirectoryStore, Randomness
from shared.retries import retry_when_stale
from shared.services.accounts import account_by_id, accounts_by_ids
from shared.services.members import Actor, MemberChanges, OrganizationMembers, RequestedMembership
from shared.services.rate_limits import RateLimiter
from shared.services.records import EntityChange, RecordWriter
from shared.services.reserved_names import stored_patterns
from shared.services.token_records import TokenLineage

_PROFILE = ("display_name", "description", "default_visibility")


@dataclass(frozen=True, slots=True)
class OrganizationProfile:
    """What an organization says of itself from now on; None leaves a part as it is."""

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

    def on(self, organization: Organization) -> Organization:
        given = {name: getattr(self, name) for name in _PROFILE}
        kept = {name: value for name, value in given.items() if value is not None}
        return organization.model_copy(update=kept)


@dataclass(frozen=True, slots=True)
class Member:
    """Who somebody is, and what they are in an organization."""

    name: str
    membership: Membership


@dataclass(frozen=True, slots=True)
class PublicMembers:
    """What everybody may know of who is in an organization: when somebody last became owner, which
    of late is a reason to look twice, and the members who show that they are."""

    newest_owner_ms: int
    shown: tuple[Membership, ...]


@dataclass(frozen=True, slots=True)
class OrganizationMembership:
    """An organization, what somebody is in it, and whether everybody sees that."""

    organization: Organization
    role: Role
    is_shown: bool = False


class OrganizationCreators(Enum):
    """Who may found organizations."""

    ANYONE = "anyone"
    ADMINISTRATORS = "administrators"


@dataclass(frozen=True, slots=True)
class OrganizationCreation:
    """Adds organizations, each under a name that none has.

    `reserved_patterns` are patterns of names that are the operator's, by the settings. Those that
    administrators keep back are read at each founding, so that a change counts everywhere at once.
    """

    directory: DirectoryStore
    record_writer: RecordWriter
    clock: Clock
    randomness: Randomness
    rate_limiter: RateLimiter
    founders: OrganizationCreators = OrganizationCreators.ANYONE
    reserved_patterns: tuple[str, ...] = ()

    async def check(self, org: OrgName, founder: Account, *, by: Principal) -> None:
        """Raise unless `by` may found the organization for the founder, under this name."""
        if by.is_operator:
            _check_reserved(org, founder)
            return
        standing = await self._standing(org, by)
        if standing.is_administrator:
            _check_reserved(org, founder)
            return
        self._check_founder(org, founder, by)
        if is_reserved_name(org, await self._patterns()):
            raise NameKeptBack(org)
        if standing.organization is not None:
            raise OrganizationExists(org)
        await self._check_likeness(org, org)

    async def count_creation(self, founder: Account, *, by: Principal) -> None:
        """Count what people found for themselves; raise `TooManyRequests` for one too many.

        Names are few, and whoever founds many keeps them from others.
        """
        if founder.id == by.id and not founder.administrator:
            await self.rate_limiter.check(RateLimitClass.FOUND, RateLimitKeys.of(by))

    async def check_display_name(self, org: OrgName, text: str) -> None:
        """Raise unless the organization may call itself so: by no other one's name."""
        patterns = await self._patterns() if text else ()
        if is_reserved_name(text, patterns) and not is_reserved_name(org, patterns):
            raise NameKeptBack(text)
        await self._check_likeness(org, text)

    def new(self, org: OrgName, founder: Account) -> Organization:
        """Return an organization as it begins."""
        return Organization(
            id=random_text(self.randomness, OWNER_LENGTH),
            name=org,
            founder=founder.id,
            created_ms=self.clock.now_ms(),
        )

    async def add(self, organization: Organization, *, by: Principal) -> Organization:
        """Add the organization with its first owner; raise `OrganizationExists`."""
        name, founder = organization.name, organization.founder
        since_ms = organization.created_ms
        owner = Membership(org=name, account=founder, role=Role.OWNER, since_ms=since_ms)
        likenesses = [NameSkeleton(org=name, skeleton=each) for each in sorted(skeletons(name))]
        details = {"founder": founder}
        change = EntityChange(
            "organization.founded", name, org=name, account=founder, details=details
        )
        try:
            return await self.record_writer.add(
                organization, owner, *likenesses, change=change, by=by
            )
        except AlreadyThere:
            raise OrganizationExists(name) from None

    async def _patterns(self) -> tuple[str, ...]:
        stored = await stored_patterns(self.directory)
        return (*self.reserved_patterns, *(each.pattern for each in stored))

    async def _check_likeness(self, org: OrgName, text: str) -> None:
        for skeleton in sorted(skeletons(text)):
            for known in await self.directory.about(NameSkeleton, skeleton):
                if known.org.lower() != org.lower():
                    raise LooksAlike(text)

    async def _standing(self, org: OrgName, by: Principal) -> AccessContext:
        if by.is_anonymous:
            raise CredentialsMissing
        standing = await self.directory.standing(by.id, org, self.clock.now_ms())
        if standing.account is None:
            raise TokenUnknown  # A machine owns nothing that it could found an organization for.
        if not by.allows(Scope.MANAGE, org):
            raise NotPermitted("create", org, "the token lacks the scope manage here")
        return standing

    def _check_founder(self, org: OrgName, founder: Account, by: Principal) -> None:
        if self.founders is OrganizationCreators.ADMINISTRATORS:
            raise NotPermitted("create", org, "it takes being administrator of the registry")
        if founder.id != by.id:
            raise NotPermitted("create", f"{org} for {founder.name}", "only they themselves may")


@dataclass(frozen=True, slots=True)
class Organizations:
    """Founds organizations and keeps their members."""

    directory: DirectoryStore
    authorization: Authorization
    record_writer: RecordWriter
    creation: OrganizationCreation
    organization_members: OrganizationMembers
    changes: MemberChanges
    lineage: TokenLineage
    clock: Clock

    async def create(
        self,
        org: OrgName,
        founder: Account,
        *,
        by: Principal,
        profile: OrganizationProfile | None = None,
    ) -> Organization:
        """Create the organization with `founder` as its owner.

        Raises `OrganizationExists` when the name is taken, in any spelling, and `LooksAlike`,
        `NameKeptBack` or `TooManyRequests` for people who are no administrators.
        """
        wanted = profile or OrganizationProfile()
        await self.creation.check(org, founder, by=by)
        if await self.directory.get(Organization, organization_place(org)):
            raise OrganizationExists(org)  # Before its event; of two at once the store decides.
        await self.creation.check_display_name(org, wanted.display_name or "")
        await self.creation.count_creation(founder, by=by)
        return await self.creation.add(wanted.on(self.creation.new(org, founder)), by=by)

    async def create_if_absent(
        self, org: OrgName, standing: AccessContext, *, by: Principal
    ) -> None:
        """Create the organization for the administrator whose push it begins with.

        `standing` is what `Authorization.require` returned; nothing is done where it is there.
        """
        if standing.organization is not None:
            return
        if standing.account is None or not standing.is_administrator:
            raise OrganizationNotFound(org)
        try:
            await self.creation.add(self.creation.new(org, standing.account), by=by)
        except OrganizationExists:
            return  # Another push of an administrator was faster.

    async def show(self, org: OrgName, *, by: Principal) -> Organization:
        """Return the organization; one whose packages are private is there for members alone."""
        standing = await self.directory.standing(by.id, org, self.clock.now_ms())
        organization = standing.require_organization(org)
        is_private = organization.default_visibility is Visibility.PRIVATE
        if is_private and refusal_of(by, standing, Action.READ, org) is not None:
            raise OrganizationNotFound(org)
        return organization

    async def access_context(self, org: OrgName, *, by: Principal) -> AccessContext:
        """Return what `by` is in an organization; to those outside of it, it is not there."""
        return await self.authorization.require_member(by, org)

    async def change(
        self, org: OrgName, profile: OrganizationProfile, *, by: Principal
    ) -> Organization:
        """Change what the organization says of itself; its visibility takes `Action.GOVERN`."""

        async def attempt() -> Organization:
            standing = await self.authorization.require_within(by, Action.MANAGE, org)
            if profile.default_visibility is not None:
                require_right(by, standing, Action.GOVERN, org)
            await self.creation.check_display_name(org, profile.display_name or "")
            return await self._change(standing.require_organization(org), profile, by)

        return await retry_when_stale(attempt)

    async def memberships_of(self, account_id: str) -> list[Membership]:
        """Return the memberships of an account as they count now."""
        now_ms = self.clock.now_ms()
        stored = await self.directory.about(Membership, account_id)
        return [now for each in stored if (now := each.at(now_ms)) is not None]

    async def list_own(self, *, by: Principal) -> list[OrganizationMembership]:
        """Return the organizations that `by` belongs to and may read of, by name."""
        if by.is_anonymous:
            raise CredentialsMissing
        memberships = await self.memberships_of(by.id)
        names = [OrgName(each.org) for each in memberships]
        standings = await asyncio.gather(
            *(self.directory.standing(by.id, name, self.clock.now_ms()) for name in names)
        )
        return [
            OrganizationMembership(
                standing.require_organization(name), standing.role, membership.is_shown
            )
            for name, standing, membership in zip(names, standings, memberships, strict=True)
            if standing.role and refusal_of(by, standing, Action.READ, name) is None
        ]

    async def members(self, org: OrgName, *, by: Principal) -> list[Member]:
        """Return who is what in the organization, by name; its members may ask."""
        standing = await self.authorization.require_within(by, Action.READ, org)
        roster = await self.organization_members.read(standing.require_organization(org))
        members = await asyncio.gather(*(self._named(each) for each in roster.members))
        return sorted(members, key=lambda member: member.name.lower())

    async def show_member(self, org: OrgName, account_id: str, *, by: Principal) -> Member:
        """Return what somebody is in the organization; its members may ask."""
        await self.authorization.require_within(by, Action.READ, org)
        account, membership = await self._member(org, account_id)
        return Member(account.name, membership)

    async def member_account(self, org: OrgName, account_id: str, *, by: Principal) -> Account:
        """Return the member of that id; whoever is none is not there, account or not.

        What may be done to them is asked by what does it.
        """
        await self.authorization.require_member(by, org)
        account, _ = await self._member(org, account_id)
        return account

    async def public_members(self, organization: Organization) -> PublicMembers:
        """Return what everybody may know of the people of an organization that they see."""
        roster = await self.organization_members.read(organization)
        return PublicMembers(roster.newest_owner_ms, roster.public_members)

    async def with_names(self, memberships: Iterable[Membership]) -> list[Member]:
        """Return who these members are, by name, without those whose account is gone."""
        by_id = {each.account: each for each in memberships}
        accounts = await accounts_by_ids(self.directory, by_id)
        members = [Member(account.name, by_id[account.id]) for account in accounts]
        return sorted(members, key=lambda member: member.name.lower())

    async def show_membership(self, org: OrgName, *, by: Principal) -> None:
        """Let everybody see that `by` belongs to the organization; a repeat changes nothing."""
        await self._appear(org, "member.shown", by, is_shown=True)

    async def hide_membership(self, org: OrgName, *, by: Principal) -> None:
        """Let members alone see that again."""
        await self._appear(org, "member.hidden", by, is_shown=False)

    async def set_member(self, org: OrgName, member: Account, role: Role, *, by: Principal) -> None:
        """Give a member this role; the operator makes members of others as well.

        A role that publishes or owns takes `Action.GOVERN`. Owners are made and unmade with a
        delay: `MemberChanges.make` says when.
        """
        action = Action.MANAGE if role is Role.MEMBER else Action.GOVERN
        standing = await self.authorization.require_within(by, action, org)
        actor = Actor(by, standing)
        async with self.organization_members.locked(standing.require_organization(org)) as roster:
            if not actor.is_operator_or_administrator and roster.member(member.id) is None:
                raise MemberNotFound(member.name, roster.org)
            if roster.member(member.id) is None:
                await self.lineage.record(by, Made.MEMBERSHIP, member.id, member.name, roster.org)
            await self.changes.apply(
                roster, RequestedMembership(member, role, made_with=by.token), actor
            )
        await self.lineage.require_not_stolen(by)

    async def remove_member(self, org: OrgName, member: Account, *, by: Principal) -> None:
        """Take the account out of the organization: owners others, everybody themselves."""
        action = Action.LEAVE if by.id == member.id else Action.MANAGE
        standing = await self.authorization.require_within(by, action, org)
        async with self.organization_members.locked(standing.require_organization(org)) as roster:
            await self.changes.apply(roster, RequestedMembership(member, None), Actor(by, standing))

    async def pending_changes(self, org: OrgName, *, by: Principal) -> list[Member]:
        """Return the members of whom a change waits for its time; members may ask."""
        return [each for each in await self.members(org, by=by) if each.membership.pending]

    async def cancel_change(self, org: OrgName, member: Account, *, by: Principal) -> None:
        """Take back a change of a member that waits for its time; any owner may."""
        standing = await self.authorization.require_within(by, Action.GOVERN, org)
        async with self.organization_members.locked(standing.require_organization(org)) as roster:
            await self.changes.cancel(roster, member, Actor(by, standing))

    async def _appear(self, org: OrgName, kind: str, by: Principal, *, is_shown: bool) -> None:
        standing = await self.authorization.require_within(by, Action.LEAVE, org)
        async with self.organization_members.locked(standing.require_organization(org)) as roster:
            now = roster.member(by.id)
            if now is None:
                raise MemberNotFound(by.id, org)
            if now.is_shown is is_shown:
                return
            changed = now.model_copy(update={"is_shown": is_shown})
            change = EntityChange(kind, roster.org, org=roster.org, account=by.id)
            await self.record_writer.replace(changed, change=change, by=by)

    async def _change(
        self, organization: Organization, profile: OrganizationProfile, by: Principal
    ) -> Organization:
        changed = profile.on(organization)
        details = _differences(organization, changed)
        if not details:
            return organization
        name = organization.name
        change = EntityChange("organization.changed", name, org=name, details=details)
        return await self.record_writer.replace(changed, change=change, by=by)

    async def _named(self, membership: Membership) -> Member:
        account = await self.directory.get(Account, Place(membership.account))
        return Member(account.name if account else membership.account, membership)

    async def _member(self, org: OrgName, account_id: str) -> tuple[Account, Membership]:
        account = await account_by_id(self.directory, account_id)
        if account is None:
            raise MemberNotFound(account_id, org)
        stored = await self.directory.get(Membership, member_place(org, account.id))
        now = stored.at(self.clock.now_ms()) if stored else None
        if now is None:
            raise MemberNotFound(account_id, org)
        return account, now


def _differences(before: Organization, after: Organization) -> dict[str, str]:
    """Return what changed, as it was and as it is."""
    changed = [name for name in _PROFILE if getattr(before, name) != getattr(after, name)]
    values = [("before", before), ("after", after)]
    return {
        f"{name}_{when}": _shown(getattr(each, name)) for name in changed for when, each in values
    }


def _shown(value: str | Visibility) -> str:
    return value.value if isinstance(value, Visibility) else value


def _check_reserved(org: OrgName, founder: Account) -> None:
    if is_reserved(org) and not founder.administrator:
        reason = "organizations that begin with ballerina are for administrators"
        raise NotPermitted("give", f"{org} to {founder.name}", reason)
