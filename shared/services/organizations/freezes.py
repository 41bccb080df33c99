"""Freezes: administrators stop every change of an organization, or of a package, while they look
into a case. Reading goes on.

`Authorization` reads the freeze with the organization, so it costs no request anything.
"""

from collections.abc import Mapping
from contextlib import suppress

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.accounts import Account
from shared.domain.coordinates import Package
from shared.domain.errors.base import Conflict, NotFound
from shared.domain.errors.packages import PackageNotFound, owned_by_upstream
from shared.domain.freezes import MAX_FROZEN_PACKAGES
from shared.domain.names import OrgName
from shared.domain.organizations import Freeze, FrozenPackage, Organization
from shared.domain.principals import Principal
from shared.domain.reasons import parse_required_reason, with_reason
from shared.domain.scopes import Action, Role
from shared.domain.times import time_text
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale, retried_with_back_off
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.existing_organizations import existing_organization, require_organization
from shared.services.identity.accounts import accounts_by_ids
from shared.services.mail_delivery import Appeal, mail_text, reason_text
from shared.services.organizations.membership_records import Actor, MembershipRecords
from shared.services.organizations.memberships import Memberships


class Freezes(Struct, frozen=True):
    """Freezes and unfreezes organizations and packages, for administrators who signed in recently.

    Owners are told by mail, and members on the pages of the organization. A repeat changes nothing,
    or the reason.
    """

    authorization: Authorization
    registry_authorization: RegistryAuthorization
    directory: DirectoryStore
    metadata: MetadataStore
    memberships: Memberships
    membership_records: MembershipRecords
    audited_writer: AuditedWriter
    appeal: Appeal
    clock: Clock

    async def of(self, org: OrgName, *, by: Principal) -> Organization:
        """Return the organization, with what is frozen in it, to its members."""
        access = await self.authorization.require_in_organization(by, Action.READ, org)
        return access.require_organization(org)

    async def freeze_organization(
        self, org: OrgName, reason: str, *, by: Principal
    ) -> Organization:
        """Freeze the organization: nobody publishes to it or changes anything in it.

        Its deletion and changes of owners that wait are canceled, since time would apply them.
        """
        reason = parse_required_reason(reason, f"the freeze of {org}")
        frozen = await self._freeze_organization(org, reason, by)
        await self._cancel_pending_changes(frozen, reason, by)
        return frozen

    @retried_when_stale
    async def unfreeze_organization(self, org: OrgName, *, by: Principal) -> Organization:
        """Allow changes again; packages that were frozen individually stay frozen."""
        organization = await self._organization(org, "unfreeze", by)
        if organization.freeze is None:
            return organization
        changed = organization.model_copy(update={"freeze": None})
        return await self._write(changed, "organization.unfrozen", changed.name, {}, by)

    @retried_when_stale
    async def freeze_package(
        self, package: Package, reason: str, *, by: Principal
    ) -> FrozenPackage:
        """Freeze the package: nobody publishes versions of it, or changes it or its publishers.

        Raises `PackageNotFound`, `owned-by-upstream`, and `packages-frozen` where too many are.
        """
        reason = parse_required_reason(reason, f"the freeze of {package}")
        organization = await self._organization(package.org, "freeze", by)
        head = await self.metadata.head(package)
        if head is None:
            raise PackageNotFound(package)
        if head.upstream:
            raise owned_by_upstream(head.org, head.upstream)
        name = package.name.lower()
        known = organization.freeze_of(package.name)
        if known is not None and known.reason == reason:
            return FrozenPackage(name=name, freeze=known)
        others = tuple(each for each in organization.frozen_packages if each.name != name)
        if len(others) >= MAX_FROZEN_PACKAGES:
            raise Conflict(
                "packages-frozen",
                f"{organization.name} has {MAX_FROZEN_PACKAGES} frozen packages, which is the "
                "limit. Freeze the organization instead.",
            )
        frozen = FrozenPackage(name=name, freeze=self._new_freeze(reason, by))
        changed = organization.model_copy(update={"frozen_packages": (*others, frozen)})
        await self._write(changed, "package.frozen", str(head.package), with_reason(reason), by)
        return frozen

    @retried_when_stale
    async def unfreeze_package(self, package: Package, *, by: Principal) -> None:
        """Let the package be changed again, unless its organization is frozen."""
        organization = await self._organization(package.org, "unfreeze", by)
        if organization.freeze_of(package.name) is None:
            if await self.metadata.head(package) is None:
                raise PackageNotFound(package)
            return
        name = package.name.lower()
        others = tuple(each for each in organization.frozen_packages if each.name != name)
        changed = organization.model_copy(update={"frozen_packages": others})
        subject = str(Package(OrgName(organization.name), package.name))
        await self._write(changed, "package.unfrozen", subject, {}, by)

    async def solely_owned(self, account: Account, *, by: Principal) -> list[Organization]:
        """Return the organizations that no other account owns that could sign in, by name."""
        await self.registry_authorization.require_auditor(by, "see", "the organizations of others")
        owned = [
            each.org
            for each in await self.memberships.of_account(account.id)
            if each.role is Role.OWNER
        ]
        found = list[Organization]()
        for org in sorted(owned):
            organization = await existing_organization(self.directory, org, self.clock.now_ms())
            if organization is None:
                continue
            members = await self.membership_records.read(organization)
            others = [each.account for each in members.owners if each.account != account.id]
            if all(each.is_locked for each in await accounts_by_ids(self.directory, others)):
                found.append(organization)
        return found

    async def freeze_solely_owned(
        self, account: Account, reason: str, *, by: Principal
    ) -> list[Organization]:
        """Freeze the organizations that only this account owns, for the reason of its lock."""
        owned = await self.solely_owned(account, by=by)
        return [
            await self.freeze_organization(OrgName(each.name), reason, by=by)
            for each in owned
            if each.freeze is None
        ]

    @retried_when_stale
    async def _freeze_organization(self, org: OrgName, reason: str, by: Principal) -> Organization:
        organization = await self._organization(org, "freeze", by)
        if organization.freeze is not None and organization.freeze.reason == reason:
            return organization
        update = {"freeze": self._new_freeze(reason, by), "deleting_ms": None}
        changed = organization.model_copy(update=update)
        details = with_reason(reason)
        return await self._write(changed, "organization.frozen", changed.name, details, by)

    @retried_with_back_off
    async def _cancel_pending_changes(
        self, organization: Organization, reason: str, by: Principal
    ) -> None:
        access = await self.directory.access_context(
            by.id, OrgName(organization.name), self.clock.now_ms()
        )
        actor = Actor(by, access)
        async with self.membership_records.changing(organization) as members:
            waiting = [each.account for each in members.with_pending_change]
            for account in await accounts_by_ids(self.directory, waiting):
                with suppress(NotFound):  # It took effect meanwhile.
                    await self.membership_records.cancel(members, account, actor, reason)

    async def _organization(self, org: OrgName, verb: str, by: Principal) -> Organization:
        await self.registry_authorization.require_fresh(by, verb, f"the organization {org}")
        return await require_organization(self.directory, org, self.clock.now_ms())

    def _new_freeze(self, reason: str, by: Principal) -> Freeze:
        return Freeze(at_ms=self.clock.now_ms(), by=by.id, reason=reason)

    async def _write(
        self,
        changed: Organization,
        kind: str,
        subject: str,
        details: Mapping[str, str],
        by: Principal,
    ) -> Organization:
        """Store the organization with the event, in the logs of its owners too, and tell them."""
        members = await self.membership_records.read(changed)
        change = EntityChange(kind, subject, org=changed.name, details=details)
        with_events = self.membership_records.with_owner_events(changed, members, change, by)
        stored = await self.audited_writer.replace(with_events, change=change, by=by)
        link = self.membership_records.organization_url(changed.name)
        if kind.endswith(".frozen"):
            mail = mail_text(
                "frozen",
                what=subject,
                org=changed.name,
                at=time_text(self.clock.now_ms()),
                reason=reason_text(details.get("reason", "")),
                link=link,
                appeal=self.appeal.sentence,
            )
        else:
            mail = mail_text("unfrozen", what=subject, org=changed.name, link=link)
        await self.membership_records.send_to_owners(members, mail)
        return stored
