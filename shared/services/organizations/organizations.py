"""Organizations: who may create them, their profiles, and their deletion.

Only one that never published a package is deleted. That can be cancelled for two days; a day later
the name is free again. `memberships.py` has the members.
"""

from collections.abc import Sequence
from contextlib import suppress
from enum import Enum
from typing import Self

from msgspec import Struct

from shared.auth.access_tokens import OWNER_LENGTH
from shared.auth.authorization import Authorization
from shared.auth.secrets import random_text
from shared.domain.access_rights import AccessContext, missing_grant, refusal_of, require_right
from shared.domain.accounts import Account
from shared.domain.coordinates import Package
from shared.domain.errors.base import Conflict, Forbidden, about_field
from shared.domain.errors.identity import (
    NotPermitted,
    OrganizationExists,
    OrganizationMissing,
    TokenUnknown,
    credentials_missing,
    name_reserved,
    organization_not_found,
)
from shared.domain.errors.packages import owned_by_upstream
from shared.domain.lookalike_names import skeletons
from shared.domain.mail import MailText
from shared.domain.memberships import OWNER_CHANGE_DELAY, Membership
from shared.domain.names import OrgName, is_one_edit_apart, require_plain_org, way_to_rename
from shared.domain.organizations import (
    NameOwner,
    NameSkeleton,
    Organization,
    organization_place,
    parse_description,
    parse_display_name,
    parse_links,
)
from shared.domain.packages import RequiredProvenance
from shared.domain.principals import MAINTENANCE, Principal
from shared.domain.rate_limits import RateLimitClass, RateLimitKeys
from shared.domain.reasons import reason_for_change, with_reason
from shared.domain.reserved_names import is_owned_by_administrators, is_reserved_name
from shared.domain.scopes import Action, Role, Scope
from shared.domain.times import MS, time_text
from shared.domain.visibility import Visibility
from shared.ports.conflicts import AlreadyThere, Stale
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock, Randomness
from shared.runtime.retries import retried_when_stale
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.limits.rate_limits import RateLimiter
from shared.services.mail_delivery import mail_text, reason_text
from shared.services.mirroring.upstreams import Upstreams
from shared.services.organizations.membership_records import Actor, MembershipRecords
from shared.services.organizations.reserved_names import stored_patterns
from shared.services.organizations.typosquats import Typosquats
from shared.services.record_batches import PACKAGES_READ_AT_ONCE, all_entities, package_batches

_PROFILE = ("display_name", "description", "default_visibility", "links", "requires_provenance")
_GOVERNED = ("default_visibility", "requires_provenance")


class OrganizationProfile(Struct, frozen=True):
    """Changes of an organization's profile; None keeps a part as it is."""

    display_name: str | None = None
    description: str | None = None
    default_visibility: Visibility | None = None
    links: tuple[str, ...] | None = None
    requires_provenance: RequiredProvenance | None = None

    @property
    def is_governed(self) -> bool:
        """Whether it has a change that takes `Action.GOVERN`."""
        return any(getattr(self, each) is not None for each in _GOVERNED)

    @classmethod
    def parse(
        cls,
        display_name: str | None,
        description: str | None,
        default_visibility: Visibility | None,
        links: Sequence[str] | None = None,
    ) -> Self:
        """Return the profile, or raise `InvalidRequest`."""
        with about_field("display_name"):
            title = None if display_name is None else parse_display_name(display_name)
        with about_field("description"):
            text = None if description is None else parse_description(description)
        with about_field("links"):
            addresses = None if links is None else parse_links(links)
        return cls(title, text, default_visibility, addresses)

    def applied_to(self, organization: Organization) -> Organization:
        values = {name: getattr(self, name) for name in _PROFILE}
        changes = {name: value for name, value in values.items() if value is not None}
        return organization.model_copy(update=changes)


class NameChoice(Enum):
    """Who answers for the name of a new organization."""

    BY_ADMINISTRATOR = "administrator"
    BY_FOUNDER = "founder"


class Organizations(Struct, frozen=True):
    """Creates organizations, and reads and changes their profiles.

    `reserved_patterns` are the reserved names of the settings. Those of administrators are read for
    each creation, so that a change takes effect everywhere at once.
    """

    directory: DirectoryStore
    authorization: Authorization
    audited_writer: AuditedWriter
    rate_limiter: RateLimiter
    clock: Clock
    randomness: Randomness
    founding: str  # As in the settings.
    reserved_patterns: tuple[str, ...]
    upstreams: Upstreams | None  # None without an upstream.
    typosquats: Typosquats

    async def create(
        self,
        org: OrgName,
        owner: Account,
        *,
        by: Principal,
        profile: OrganizationProfile | None = None,
        other_owners: Sequence[Account] = (),
    ) -> Organization:
        """Create an organization with its first owner, and others in the same write.

        Raises `OrganizationExists` for a name that is taken in any spelling, and
        `owned-by-upstream` for one that an upstream owns or that a rule of the mirror names. For
        everybody but administrators it also raises `looks-alike`, `name-reserved` and
        `TooManyRequests`.
        """
        profile = profile or OrganizationProfile()
        chosen = await self._check_creator(org, owner, by)
        if await self.directory.get(Organization, organization_place(org)):
            # This comes before the rate limit; the store decides if two requests come at once.
            raise OrganizationExists(org)
        await self._check_display_name(org, profile.display_name or "")
        if owner.id == by.id and not owner.administers_at(self.clock.now_ms()):
            # Names are few, and a creator of many keeps them from others.
            await self.rate_limiter.check(RateLimitClass.FOUND, RateLimitKeys.of(by))
        founded = profile.applied_to(self._new(org, owner))
        if chosen is NameChoice.BY_FOUNDER:
            resembled = await self.typosquats.organization_like(org, owner.id)
            founded = founded.model_copy(update={"resembles": resembled})
        for other in other_owners:
            await self._check_creator(org, other, by)
        return await self._add(founded, by, other_owners)

    async def create_by_push(self, org: OrgName, access: AccessContext, *, by: Principal) -> None:
        """Create the organization of an administrator's push, which does not exist; raise
        `OrganizationMissing` for `root`, and `not-created-by-push` for a name that is reserved or
        perhaps mistyped. Names that the same administrator created do not count: a registry that
        is imported has names that look alike.

        `access` is the result of `Authorization.require`.
        """
        if renamed := way_to_rename(org):
            raise OrganizationMissing("publish", org, org, way_out=renamed)
        if access.account is None or not access.is_administrator:
            raise organization_not_found(org)
        await self._check_meant(org, access.account)
        with suppress(OrganizationExists):  # By another push of an administrator.
            await self._add(self._new(org, access.account), by)

    async def _check_meant(self, org: OrgName, by: Account) -> None:
        if is_reserved_name(org, await self._reserved_patterns()):
            raise _not_created_by_push(org, "the name is, or looks like, a reserved one")
        for known in await all_entities(self.directory, Organization):
            if known.founder != by.id and is_one_edit_apart(org, known.name):
                reason = f"its name is one character away from {known.name}, which exists"
                raise _not_created_by_push(org, reason)

    async def show(self, org: OrgName, *, by: Principal) -> Organization:
        """Return the organization; only members find one whose packages are private by default."""
        access = await self.directory.access_context(by.id, org, self.clock.now_ms())
        organization = access.require_organization(org)
        if organization.is_hidden and refusal_of(by, access, Action.READ, org) is not None:
            raise organization_not_found(org)
        return organization

    async def access_context(self, org: OrgName, *, by: Principal) -> AccessContext:
        """Return the access of a member; raise `organization-not-found` for others."""
        return await self.authorization.require_member(by, org)

    @retried_when_stale
    async def accept_name(self, org: OrgName, *, by: Principal) -> None:
        """Accept the name of an organization that resembled a popular one, so that its packages are
        published. The caller checked that `by` decides on that."""
        organization = await self.directory.get(Organization, organization_place(org))
        if organization is None or not organization.resembles:
            return
        details = {"resembles_before": organization.resembles, "resembles_after": ""}
        change = EntityChange("organization.changed", organization.name, org=org, details=details)
        accepted = organization.model_copy(update={"resembles": ""})
        await self.audited_writer.replace(accepted, change=change, by=by)

    @retried_when_stale
    async def change(
        self, org: OrgName, profile: OrganizationProfile, *, by: Principal
    ) -> Organization:
        """Change the profile; who sees new packages, and what they require, takes
        `Action.GOVERN`."""
        access = await self.authorization.require_in_organization(by, Action.MANAGE, org)
        if profile.is_governed:
            require_right(by, access, Action.GOVERN, org)
        await self._check_display_name(org, profile.display_name or "")
        return await self._change(access.require_organization(org), profile, by)

    async def _check_creator(self, org: OrgName, owner: Account, by: Principal) -> NameChoice:
        """Raise unless `by` may create an organization with this name for the owner; return who
        answers for the name."""
        now_ms = self.clock.now_ms()
        if by.is_operator:
            _check_owner(org, owner, now_ms)
            return NameChoice.BY_ADMINISTRATOR
        access = await self._creator_access(org, by)
        if access.is_administrator:
            _check_owner(org, owner, now_ms)
            return NameChoice.BY_ADMINISTRATOR
        require_plain_org(org)
        if self.founding == "administrators":
            raise NotPermitted("create", org, "only administrators of the registry can do this")
        if owner.id != by.id:
            raise NotPermitted("create", f"{org} for {owner.name}", "only they themselves may")
        if is_reserved_name(org, await self._reserved_patterns()):
            raise name_reserved(org, "Choose another name.")
        if access.organization is not None:
            raise OrganizationExists(org)
        await self._check_lookalikes(org, org)
        return NameChoice.BY_FOUNDER

    async def _creator_access(self, org: OrgName, by: Principal) -> AccessContext:
        if by.is_anonymous:
            raise credentials_missing()
        access = await self.directory.access_context(by.id, org, self.clock.now_ms())
        if access.account is None:
            raise TokenUnknown  # A CI job has no account that could own an organization.
        if not by.allows(Scope.MANAGE, org):
            raise NotPermitted("create", org, missing_grant(by, Scope.MANAGE, org))
        return access

    async def _check_display_name(self, org: OrgName, text: str) -> None:
        """Raise if the display name is reserved or looks like another organization's name."""
        patterns = await self._reserved_patterns() if text else ()
        if is_reserved_name(text, patterns) and not is_reserved_name(org, patterns):
            raise name_reserved(text, "Choose another name.")
        await self._check_lookalikes(org, text)

    async def _reserved_patterns(self) -> tuple[str, ...]:
        stored = await stored_patterns(self.directory)
        return (*self.reserved_patterns, *(each.pattern for each in stored))

    async def _check_lookalikes(self, org: OrgName, text: str) -> None:
        for skeleton in sorted(skeletons(text)):
            for known in await self.directory.list_by_subject(NameSkeleton, skeleton):
                if known.org.lower() != org.lower():
                    # Never which organization: its name may not be public.
                    raise Conflict(
                        "looks-alike",
                        f"{text} looks like the name of another organization, so people could "
                        "confuse them. Choose a name that differs more.",
                    )

    def _new(self, org: OrgName, owner: Account) -> Organization:
        return Organization(
            id=random_text(self.randomness, OWNER_LENGTH),
            name=org,
            founder=owner.id,
            created_ms=self.clock.now_ms(),
        )

    async def _add(
        self, organization: Organization, by: Principal, other_owners: Sequence[Account] = ()
    ) -> Organization:
        """Add the organization with its owners, which makes the name ours.

        Raises `OrganizationExists` or `owned-by-upstream`.
        """
        name = organization.name
        owner = organization.founder
        if self.upstreams is not None:
            await self.upstreams.require_foundable(OrgName(name))
        since_ms = organization.created_ms
        memberships = [
            Membership(org=name, account=each, role=Role.OWNER, since_ms=since_ms)
            for each in (owner, *(other.id for other in other_owners))
        ]
        lookalikes = [NameSkeleton(org=name, skeleton=each) for each in sorted(skeletons(name))]
        details = {"founder": owner}
        if organization.resembles:
            details["resembles"] = organization.resembles
        change = EntityChange(
            "organization.founded", name, org=name, account=owner, details=details
        )
        records = (*memberships, *lookalikes)
        owner_of_name = NameOwner(org=name, since_ms=since_ms)
        with suppress(AlreadyThere):
            return await self.audited_writer.add(
                organization, *records, owner_of_name, change=change, by=by
            )
        known = await self.directory.get(NameOwner, owner_of_name.place)
        if known is not None and known.upstream:
            raise owned_by_upstream(name, known.upstream)
        try:  # The name may be ours from an organization that was deleted.
            return await self.audited_writer.add(organization, *records, change=change, by=by)
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
        return await self.audited_writer.replace(changed, change=change, by=by)


def _check_owner(org: OrgName, owner: Account, now_ms: int) -> None:
    if is_owned_by_administrators(org) and not owner.administers_at(now_ms):
        raise name_reserved(org, f"Give it to an administrator, and not to {owner.name}.")


def _differences(before: Organization, after: Organization) -> dict[str, str]:
    """Return the values of the changed fields before and after, as event details."""
    changed = [name for name in _PROFILE if getattr(before, name) != getattr(after, name)]
    values = [("before", before), ("after", after)]
    return {
        f"{name}_{when}": _text(getattr(each, name)) for name in changed for when, each in values
    }


def _text(value: str | Visibility | tuple[str, ...]) -> str:
    if isinstance(value, tuple):
        return " ".join(value)
    return value.value if isinstance(value, Visibility) else value


def _not_created_by_push(org: str, reason: str) -> Forbidden:
    return Forbidden(
        "not-created-by-push",
        f"The organization {org} does not exist, and a push does not create it, because {reason}. "
        "Correct org in Ballerina.toml, or create the organization on /manage/organizations and "
        "push again.",
    )


class OrganizationDeletion(Struct, frozen=True):
    """Deletes organizations; the task `finish-deletions` releases their names."""

    authorization: Authorization
    metadata: MetadataStore
    membership_records: MembershipRecords
    audited_writer: AuditedWriter
    clock: Clock

    @retried_when_stale
    async def delete(self, org: OrgName, *, by: Principal, reason: str = "") -> Organization:
        """Schedule the deletion for two days later; at once for the operator and administrators,
        who say a `reason` unless they own it.

        Nobody can publish to the organization meanwhile. Raises `organization-not-empty`.
        """
        actor, organization = await self._require_owner(org, by)
        if organization.deleting_ms is not None and not actor.is_operator_or_administrator:
            return organization  # A repeat.
        package = await self.package_of(organization)
        if package is not None:
            raise Conflict(
                "organization-not-empty",
                f"{organization.name} has packages, such as {package!s}, and releases stay "
                "for those who use them. Only an organization that never published anything "
                "can be deleted; deprecate its packages instead.",
            )
        reason = reason_for_change(by, actor.access_context, reason, f"the deletion of {org}")
        wait_ms = 0 if actor.is_operator_or_administrator else OWNER_CHANGE_DELAY // MS
        at_ms = self.clock.now_ms() + wait_ms
        name = organization.name
        link = self.membership_records.organization_url(org)
        at = time_text(at_ms)
        mail = mail_text(
            "organization-deletion",
            org=name,
            by=actor.name,
            at=at,
            reason=reason_text(reason),
            link=link,
        )
        return await self._write(organization, at_ms, mail, by, reason)

    @retried_when_stale
    async def cancel(self, org: OrgName, *, by: Principal) -> Organization:
        """Cancel a scheduled deletion, or raise `not-closing`."""
        actor, organization = await self._require_owner(org, by)
        if organization.deleting_ms is None:
            raise Conflict(
                "not-closing",
                f"{organization.name} is not being deleted, so there is nothing to cancel.",
            )
        name = organization.name
        link = self.membership_records.organization_url(org)
        mail = mail_text("organization-deletion-cancelled", org=name, by=actor.name, link=link)
        return await self._write(organization, None, mail, by)

    async def restore(self, organization: Organization) -> None:
        """Cancel the deletion of an organization that got a package meanwhile."""
        name = organization.name
        by = "A package that was published"
        link = self.membership_records.organization_url(name)
        mail = mail_text("organization-deletion-cancelled", org=name, by=by, link=link)
        with suppress(Stale):  # Somebody cancelled the deletion meanwhile.
            await self._write(organization, None, mail, MAINTENANCE)

    async def _require_owner(self, org: OrgName, by: Principal) -> tuple[Actor, Organization]:
        access = await self.authorization.require_in_organization(by, Action.GOVERN, org)
        return Actor(by, access), access.require_organization(org)

    async def _write(
        self,
        organization: Organization,
        at_ms: int | None,
        mail: MailText,
        by: Principal,
        reason: str = "",
    ) -> Organization:
        members = await self.membership_records.read(organization)
        name = organization.name
        kind = "organization.kept" if at_ms is None else "organization.deleting"
        before = str(organization.deleting_ms or "")
        after = str(at_ms or "")
        details = {"before": before, "after": after, **with_reason(reason)}
        change = EntityChange(kind, name, org=name, details=details)
        changed = organization.model_copy(update={"deleting_ms": at_ms})
        with_events = self.membership_records.with_owner_events(changed, members, change, by)
        stored = await self.audited_writer.replace(with_events, change=change, by=by)
        await self.membership_records.send_to_owners(members, mail)
        return stored

    async def package_of(self, organization: Organization) -> Package | None:
        """Return a package of the organization with a release in any state."""
        prefix = f"{organization.key}/"
        async for heads in package_batches(self.metadata, PACKAGES_READ_AT_ONCE, prefix=prefix):
            for head in heads:
                if await self.metadata.releases(head.package):
                    return head.package
        return None
