"""Closing: deleting organizations that never published anything, with two days to think again."""

from dataclasses import dataclass
from datetime import timedelta

from shared.auth.authorization import Authorization
from shared.domain import mails
from shared.domain.identity import Principal
from shared.domain.mails import Letter
from shared.domain.names import OrgName
from shared.domain.organization_errors import NotClosing, OrganizationNotEmpty
from shared.domain.organizations import COOLING_OFF, Organization
from shared.domain.rights import Action
from shared.ports import MetadataStore
from shared.services.changing import until_fresh
from shared.services.member_changes import Actor, MemberChanges
from shared.services.recording import Change, Recording
from shared.services.rosters import Rosters

BATCH = 100  # Packages a read; a claimed name without a release is rare.


@dataclass(frozen=True, slots=True)
class Closing:
    """Deletes organizations; their records stay, so that no name is ever given twice."""

    authorization: Authorization
    metadata: MetadataStore
    rosters: Rosters
    recording: Recording
    changes: MemberChanges

    async def delete(self, org: OrgName, *, by: Principal) -> Organization:
        """Let the organization end after the cooling-off, at once for the operator.

        Nobody publishes to it meanwhile. Raises `OrganizationNotEmpty`.
        """

        async def attempt() -> Organization:
            actor, organization = await self._governed(org, by)
            if organization.deleting_ms is not None and not actor.operates:
                return organization  # A repeat.
            await self._require_empty(organization)
            wait_ms = 0 if actor.operates else COOLING_OFF // timedelta(milliseconds=1)
            at_ms = self.recording.clock.now_ms() + wait_ms
            letter = mails.will_be_deleted(
                organization.name, by=actor.name, at_ms=at_ms, link=self.changes.link(org)
            )
            return await self._write(organization, at_ms, letter, actor)

        return await until_fresh(attempt)

    async def undo(self, org: OrgName, *, by: Principal) -> Organization:
        """Keep the organization after all; raise `NotClosing` when nobody deletes it."""

        async def attempt() -> Organization:
            actor, organization = await self._governed(org, by)
            if organization.deleting_ms is None:
                raise NotClosing(organization.name)
            link = self.changes.link(org)
            letter = mails.will_not_be_deleted(organization.name, by=actor.name, link=link)
            return await self._write(organization, None, letter, actor)

        return await until_fresh(attempt)

    async def _governed(self, org: OrgName, by: Principal) -> tuple[Actor, Organization]:
        standing = await self.authorization.require_within(by, Action.GOVERN, org)
        return Actor(by, standing), standing.existing(org)

    async def _write(
        self, organization: Organization, at_ms: int | None, letter: Letter, actor: Actor
    ) -> Organization:
        roster = await self.rosters.read(organization)
        name = organization.name
        kind = "organization.kept" if at_ms is None else "organization.deleting"
        details = {"before": _shown(organization.deleting_ms), "after": _shown(at_ms)}
        change = Change(kind, name, org=name, details=details)
        changed = organization.model_copy(update={"deleting_ms": at_ms})
        noticed = self.changes.noticed(changed, roster, change, actor.by)
        stored = await self.recording.replace(noticed, change=change, by=actor.by)
        await self.changes.tell(roster, letter)
        return stored

    async def _require_empty(self, organization: Organization) -> None:
        """Raise when a package of the organization has a release, whatever became of it."""
        prefix = f"{organization.key}/"
        after = prefix
        while heads := await self.metadata.packages(after, BATCH):
            for head in heads:
                if not head.package.key.startswith(prefix):
                    return
                if await self.metadata.releases(head.package):
                    raise OrganizationNotEmpty(organization.name, str(head.package))
            after = heads[-1].package.key


def _shown(at_ms: int | None) -> str:
    return "" if at_ms is None else str(at_ms)
