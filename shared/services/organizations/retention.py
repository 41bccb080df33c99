"""Retention: removes old pre-releases of private packages, where the rules of their organization
say so. The version stays taken, and members read why it went."""

from collections.abc import AsyncIterator, Collection

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.domain.coordinates import Coordinate
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.packages import Head, Release, ReleaseEntry, Survey
from shared.domain.principals import MAINTENANCE, OPERATOR, Principal
from shared.domain.publishing_rules import Retention, parse_retention
from shared.domain.release_states import State
from shared.domain.releases import Decision, with_decision
from shared.domain.rules.retention_rule import expired_prereleases, retention_reason
from shared.domain.scopes import Action
from shared.domain.search import Query, ResultPage, Sort
from shared.domain.sentences import counted, listed
from shared.domain.tasks import TaskReport
from shared.domain.times import DAY_MS
from shared.domain.visibility import Visibility
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.services.identity.accounts import responsible_accounts
from shared.services.mail_delivery import MailDelivery, mail_text
from shared.services.packages.package_records import PackageRecordWriter
from shared.services.packages.search import PackageSearch
from shared.services.record_batches import (
    DEPENDENTS_READ_AT_ONCE,
    PACKAGES_READ_AT_ONCE,
    all_entities,
    package_batches,
)

REMOVED_IN_A_RUN = 500  # Releases removed in one run; the next run continues.
NAMED_IN_MAIL = 20


class ExpiredPrerelease(Struct, frozen=True):
    """A pre-release that goes by the rule, and when it was published."""

    coordinate: Coordinate
    created_ms: int


class PrereleaseRetention(Struct, frozen=True):
    """Says what goes, and removes it. Each removal may be repeated, and a run stopped anywhere.

    A pre-release stays that the latest release of another package was built with.
    """

    authorization: Authorization
    directory: DirectoryStore
    metadata: MetadataStore
    package_records: PackageRecordWriter
    search: PackageSearch
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str

    async def preview(
        self, org: OrgName, wanted: str | None, *, by: Principal
    ) -> list[ExpiredPrerelease]:
        """Return what goes at the next run, by the rule that holds or a wanted one, to whoever
        manages the organization."""
        access = await self.authorization.require_to_read(by, Action.MANAGE, org)
        organization = access.require_organization(org)
        retention = organization.rules.retention if wanted is None else parse_retention(wanted)
        found = [each async for each in self._expired(organization, retention)]
        return sorted(found, key=lambda each: (str(each.coordinate.package), each.created_ms))

    async def run(self) -> TaskReport:
        """Remove what goes, and tell the owners of each organization once a day."""
        removed = 0
        for organization in await all_entities(self.directory, Organization):
            retention = organization.rules.retention
            if not retention.is_on or organization.freeze is not None:
                continue
            gone = list[Coordinate]()
            async for each in self._expired(organization, retention):
                if removed + len(gone) >= REMOVED_IN_A_RUN:
                    break
                if await self._remove(each.coordinate, organization, retention):
                    gone.append(each.coordinate)
            if gone:
                await self._send_mail(organization, retention, gone)
            removed += len(gone)
            if removed >= REMOVED_IN_A_RUN:
                return TaskReport(removed, removed, unfinished=True)
        return TaskReport(removed, removed)

    async def _expired(
        self, organization: Organization, retention: Retention
    ) -> AsyncIterator[ExpiredPrerelease]:
        if not retention.is_on:
            return
        prefix = f"{organization.key}/"
        async for heads in package_batches(self.metadata, PACKAGES_READ_AT_ONCE, prefix=prefix):
            private = [
                head.package
                for head in heads
                if head.visibility is Visibility.PRIVATE
                and not head.upstream
                and organization.freeze_of(head.name) is None
            ]
            for survey in await self.metadata.survey(private) if private else ():
                if survey is None:
                    continue
                for entry in await self._of_package(survey, retention):
                    at = survey.head.package.at(entry.parsed)
                    yield ExpiredPrerelease(at, entry.created_ms)

    async def _of_package(self, survey: Survey, retention: Retention) -> list[ReleaseEntry]:
        """Return the pre-releases that go; only where there are some it is asked what uses them."""
        now_ms = self.clock.now_ms()
        found = expired_prereleases(survey, retention, now_ms=now_ms)
        if not found:
            return found
        used = await self._used(survey.head)
        return [each for each in found if each.version not in used]

    async def _used(self, head: Head) -> Collection[str]:
        """Return the versions of a package that the latest release of another one was built
        with."""
        query = Query(depends_on=head.key, include_deprecated=True, stored_only=True)
        used = set[str]()
        offset = 0
        count = 1
        while offset < count:
            page = ResultPage(offset=offset, limit=DEPENDENTS_READ_AT_ONCE, sort=Sort.NAME)
            found = await self.search.search(query, page, by=OPERATOR)
            for hit in found.hits:
                used |= {
                    each.version
                    for each in hit.listing.release.dependencies
                    if f"{each.org}/{each.name}".lower() == head.key
                }
            offset += DEPENDENTS_READ_AT_ONCE
            count = found.count
        return used

    async def _remove(
        self, at: Coordinate, organization: Organization, retention: Retention
    ) -> bool:
        """Remove one release, unless it changed meanwhile so that it stays."""
        reason = retention_reason(retention, organization.name)
        is_changed = False

        def decide(head: Head, release: Release) -> Release:
            nonlocal is_changed
            is_changed = (
                head.visibility is Visibility.PRIVATE
                and release.state is State.LIVE
                and not release.coordinate.version.is_stable
            )
            if not is_changed:
                return release
            decision = Decision(State.REMOVED, reason.note, reason)
            now_ms = self.clock.now_ms()
            return with_decision(
                release, "release.removed", decision, by=MAINTENANCE, now_ms=now_ms
            )

        await self.package_records.change_release(at, decide)
        return is_changed

    async def _send_mail(
        self, organization: Organization, retention: Retention, gone: list[Coordinate]
    ) -> None:
        now_ms = self.clock.now_ms()
        name = organization.name
        mail = mail_text(
            "prereleases-removed",
            org=name,
            count=counted(len(gone), "pre-release"),
            verb="was" if len(gone) == 1 else "were",
            retention=str(retention),
            releases=listed([str(each) for each in gone], NAMED_IN_MAIL),
            page=f"{self.base_url}/account/organizations/{name}/rules",
        )
        await self.mail_delivery.send_once(
            f"retention:{organization.key}:{now_ms // DAY_MS}:{gone[0]}",
            await responsible_accounts(self.directory, name, now_ms),
            mail,
            until_ms=now_ms + 30 * DAY_MS,
        )
