"""Warnings of releases that were accepted all the same: their owners read them on pages, by the API
and by mail."""

from datetime import timedelta

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.domain.api_docs.records import ApiVerdict
from shared.domain.coordinates import Coordinate
from shared.domain.errors.packages import ReleaseNotFound
from shared.domain.names import parse_org
from shared.domain.organizations import Organization, organization_place
from shared.domain.packages import Release, ReleaseWarning
from shared.domain.principals import Principal
from shared.domain.publishing_rules import RuleFinding
from shared.domain.rules.version_rule import VERSION_TOO_LOW, version_findings
from shared.domain.scopes import Action
from shared.domain.times import MS
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.services.api_docs.api_docs_generation import ApiHistory
from shared.services.publishing.publishing_rules import PublishingRules
from shared.services.publishing.release_mail import ReleaseMail

# No mail is sent later, because documentation may be made again long after publication.
TOLD_WITHIN = timedelta(days=1)


class ReleaseWarnings(Struct, frozen=True):
    """Returns the warnings of a release, and tells its owners: those of its push, which are stored
    with it, and what the comparison with the version before says, which is stored beside it."""

    authorization: Authorization
    metadata: MetadataStore
    directory: DirectoryStore
    rules: PublishingRules
    history: ApiHistory
    mail: ReleaseMail
    clock: Clock

    async def of_release(
        self, coordinate: Coordinate, *, by: Principal
    ) -> tuple[ReleaseWarning, ...]:
        """Return the warnings to owners; raise `ReleaseNotFound` for a release that does not exist,
        or is another registry's."""
        await self.authorization.require_to_read(by, Action.MANAGE, coordinate.package)
        found = await self.metadata.find(coordinate)
        release = found.release
        if release is None or release.upstream is not None:
            raise ReleaseNotFound(coordinate.package, coordinate.version)
        return await self._of(release)

    async def of_verdict(self, release: Release, verdict: ApiVerdict) -> None:
        """Tell the owners what a comparison says of a young release, once."""
        age_ms = self.clock.now_ms() - release.created_ms
        if release.upstream is not None or age_ms > TOLD_WITHIN // MS:
            return
        if warnings := await self._by_version(release, verdict):
            await self.mail.send_warnings(release, [each.message for each in warnings])

    async def _of(self, release: Release) -> tuple[ReleaseWarning, ...]:
        verdict = await self.history.verdict(release.coordinate)
        by_version = await self._by_version(release, verdict) if verdict else ()
        return (*release.warnings, *by_version)

    async def _by_version(
        self, release: Release, verdict: ApiVerdict
    ) -> tuple[ReleaseWarning, ...]:
        if not verdict.is_version_too_low:
            return ()
        org = parse_org(release.org)
        organization = await self.directory.get(Organization, organization_place(org))
        rules = await self.rules.effective(organization, org)
        found = version_findings(verdict, rules.version_rule)
        return tuple(_warning(each) for each in found if each.rule == VERSION_TOO_LOW)


def _warning(found: RuleFinding) -> ReleaseWarning:
    return ReleaseWarning(rule=found.rule, whose=found.whose, message=found.message)
