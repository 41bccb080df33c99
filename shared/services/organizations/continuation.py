"""Continuation: an organization that goes on as another one. It takes no new packages; its packages
stay, take new versions, and are pulled as before.
"""

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.domain.access_rights import refusal_of
from shared.domain.errors.base import Conflict, NotFound, about_field
from shared.domain.errors.identity import organization_not_found
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, organization_place
from shared.domain.principals import Principal
from shared.domain.reasons import reason_for_change
from shared.domain.scopes import Action
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.existing_organizations import existing_organization
from shared.services.mail_delivery import mail_text
from shared.services.organizations.membership_records import Actor, MembershipRecords

MAX_CONTINUATIONS = 10  # Organizations in a chain of continuations that are read to find a circle.


class Continuation(Struct, frozen=True):
    """Sets as which organization another one is continued, and names it to those who may see it."""

    authorization: Authorization
    directory: DirectoryStore
    membership_records: MembershipRecords
    audited_writer: AuditedWriter
    clock: Clock

    async def as_seen(self, organization: Organization, *, by: Principal) -> Organization:
        """Return the organization without the one that continues it if `by` may not see that, or
        it is gone."""
        if not organization.continued_as:
            return organization
        named = await self._visible(OrgName(organization.continued_as), by)
        return organization.model_copy(update={"continued_as": named.name if named else ""})

    @retried_when_stale
    async def change(
        self, org: OrgName, continued_as: OrgName | None, reason: str = "", *, by: Principal
    ) -> Organization:
        """Set the organization that continues `org`, or none; a repeat changes nothing.

        Takes an owner who signed in recently. The operator, and administrators for organizations of
        others, have to give a reason. Owners get mail. Raises `organization-not-found` for one that
        `by` may not see, and `continuation-circular`.
        """
        access = await self.authorization.require_in_organization(by, Action.GOVERN, org)
        organization = access.require_organization(org)
        with about_field("reason"):
            what = f"the continuation of {org}"
            reason = reason_for_change(by, access, reason, what)
        wanted = ""
        if continued_as is not None:
            with about_field("continued_as", NotFound, Conflict):
                target = await self._visible(continued_as, by)
                if target is None:
                    raise organization_not_found(continued_as)
                await self._require_no_circle(organization, target)
                wanted = target.name
        if organization.continued_as == wanted:
            return organization
        return await self._write(organization, wanted, reason, Actor(by, access))

    async def _visible(self, org: OrgName, by: Principal) -> Organization | None:
        now_ms = self.clock.now_ms()
        if by.is_operator:
            return await existing_organization(self.directory, org, now_ms)
        access = await self.directory.access_context(by.id, org, now_ms)
        found = access.organization
        if found is None or access.is_deleted:
            return None
        is_hidden = found.is_hidden and refusal_of(by, access, Action.READ, org) is not None
        return None if is_hidden else found

    async def _require_no_circle(self, organization: Organization, target: Organization) -> None:
        following: Organization | None = target
        for _ in range(MAX_CONTINUATIONS):
            if following is None:
                return
            if following.key == organization.key:
                break
            place = organization_place(following.continued_as)
            is_last = not following.continued_as
            following = None if is_last else await self.directory.get(Organization, place)
        raise Conflict(
            "continuation-circular",
            f"{target.name} leads back to {organization.name}, or to too many organizations, so it "
            "cannot continue it. Name the organization where people should look in the end.",
        )

    async def _write(
        self, organization: Organization, wanted: str, reason: str, actor: Actor
    ) -> Organization:
        name = organization.name
        details = {
            "continued_as": wanted,
            "continued_as_before": organization.continued_as,
            **({"reason": reason} if reason else {}),
        }
        change = EntityChange("organization.continued", name, org=name, details=details)
        changed = organization.model_copy(update={"continued_as": wanted})
        stored = await self.audited_writer.replace(changed, change=change, by=actor.by)
        mail = mail_text(
            "organization-continued",
            org=name,
            by=actor.name,
            what=f"is continued as {wanted}" if wanted else "is not continued elsewhere any more",
            reason=f"Reason: {reason}\n\n" if reason else "",
            link=self.membership_records.organization_url(OrgName(name)),
        )
        members = await self.membership_records.read(stored)
        await self.membership_records.send_to_owners(members, mail)
        return stored
