"""Dry runs: what a push of an archive would say, without a push."""

from enum import Enum

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.domain.access_rights import AccessContext
from shared.domain.archives.bala import Bala
from shared.domain.errors.base import (
    BadArchive,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Refusal,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from shared.domain.errors.identity import NotPermitted, TokenUnknown
from shared.domain.errors.packages import ArchiveLost, VersionExists
from shared.domain.errors.withheld import refusal_of_withheld
from shared.domain.packages import FoundRelease, RequiredProvenance
from shared.domain.principals import Principal
from shared.domain.publishing_rules import RuleEffect, RuleFinding
from shared.domain.release_states import PackageHold, State
from shared.domain.scopes import PUBLISHING_SCOPES
from shared.ports.metadata import MetadataStore
from shared.services.packages.archive_reader import ArchiveReader
from shared.services.provenance.sigstore_bundles import SigstoreBundles
from shared.services.publishing.candidate_checks import Candidate, CandidateChecks
from shared.services.publishing.published_contents import PublishedContents
from shared.services.publishing.publishing_rights import PublishingRights
from shared.services.publishing.publishing_rules import Occasion, PublishingRules, RuledArchive
from shared.services.publishing.scanner import Scanner
from shared.services.publishing.uploads import Upload, read_upload


class FindingSeverity(Enum):
    """What a finding means for a push; an error refuses it."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Finding(Struct, frozen=True):
    """Something that a push would say, in a sentence; `rule` is for programs."""

    rule: str
    severity: FindingSeverity
    message: str

    @classmethod
    def of(cls, refusal: Refusal) -> "Finding":
        return cls(refusal.code, FindingSeverity.ERROR, str(refusal))

    @classmethod
    def of_rule(cls, found: RuleFinding) -> "Finding":
        return cls(found.rule, _SEVERITIES[found.effect], str(found.refusal))


# A release that is held is stored, and published when people approve it.
_SEVERITIES = {
    RuleEffect.REFUSE: FindingSeverity.ERROR,
    RuleEffect.HOLD: FindingSeverity.WARNING,
    RuleEffect.WARN: FindingSeverity.WARNING,
    RuleEffect.NOTE: FindingSeverity.NOTE,
}


class DryRun(Struct, frozen=True):
    """What a push of the archive would say, and whether it would be published."""

    findings: tuple[Finding, ...] = ()

    @property
    def may_publish(self) -> bool:
        """Whether somebody with the right to publish the package can publish this archive."""
        return all(each.severity is not FindingSeverity.ERROR for each in self.findings)


class DryRuns(Struct, frozen=True):
    """Checks archives as a push does. Nothing is stored, and nothing is counted as a push."""

    authorization: Authorization
    archive_reader: ArchiveReader
    metadata: MetadataStore
    rights: PublishingRights
    checks: CandidateChecks
    published_contents: PublishedContents
    sigstore_bundles: SigstoreBundles
    rules: PublishingRules
    scanner: Scanner
    base_url: str

    async def may_check(self, by: Principal) -> bool:
        """Check whether `by` belongs to some organization. A host asks this before it reads a body;
        it grants no right."""
        try:
            await self.authorization.require_any_membership(by)
        except (NotPermitted, TokenUnknown, Unauthenticated):
            return False
        return True

    async def check(self, upload: Upload, by: Principal) -> DryRun:
        """Return what a push of the archive would say to `by`, if `by` may read the organization of
        its package or publish the package. For everybody else raise the refusal that a push raises.
        The archive is compared with the version before only if `by` may read the package.
        """
        await self.authorization.require_any_membership(by)
        with self.archive_reader.in_hand(len(upload.content)):
            try:
                bala = await read_upload(self.archive_reader, upload)
            except (BadArchive, Invalid, TooLarge) as refusal:
                return DryRun((Finding.of(refusal),))
            found = await self.metadata.find(bala.coordinate)
            access, missing = await self._right(bala, found, by)
            refusals = await self.checks.refusals(Candidate(bala, found, access, by))
            findings = [*_about_right(missing, by), *map(Finding.of, refusals)]
            findings += await self._about_version(upload, bala, found, missing, by)
            if found.head is None and missing is None:
                package = bala.coordinate.package
                hold = await self.checks.hold_of_new(package, access, by)
                findings += [_finding_of(hold)] if hold else []
            findings += await self._about_sigstore(upload, bala, found, access, by)
            if found.release is None:
                findings += await self._about_rules(upload, bala, found, access, by)
        return DryRun(tuple(findings))

    async def _right(
        self, bala: Bala, found: FoundRelease, by: Principal
    ) -> tuple[AccessContext, Refusal | None]:
        """Return the access of `by`, and the reason if `by` may not publish the package."""
        package = bala.coordinate.package
        try:
            return await self.rights.require_for_package(package, found.head, by), None
        except (Conflict, Forbidden, NotFound) as refusal:
            access = await self.authorization.access_of_reader_or_job(by, package)
            if access is None:
                raise
            return access, refusal

    async def _about_version(
        self,
        upload: Upload,
        bala: Bala,
        found: FoundRelease,
        missing: Refusal | None,
        by: Principal,
    ) -> list[Finding]:
        """Return what a push says of a version that is published, or of a package that is held."""
        release = found.release
        contents = self.published_contents
        if release is None:
            hold = found.head.hold if found.head and missing is None else None
            return [_finding_of(hold)] if hold else []
        try:
            is_same = await contents.would_repeat(upload.content, bala, release)
        except ArchiveLost as lost:
            return [Finding.of(lost)]
        if not is_same:
            return [Finding.of(await contents.refusal(upload.content, bala, found, by=by))]
        if release.state is State.LIVE:
            message = f"{bala.coordinate} is published with the same files. A push changes nothing."
            return [Finding("published", FindingSeverity.NOTE, message)]
        if missing is None:
            refusal = refusal_of_withheld(release, by=by.id, base_url=self.base_url)
            return [Finding.of(refusal)]
        return [Finding.of(VersionExists(bala.coordinate))]

    async def _about_sigstore(
        self,
        upload: Upload,
        bala: Bala,
        found: FoundRelease,
        access: AccessContext,
        by: Principal,
    ) -> list[Finding]:
        """Return what a push says of the Sigstore bundle that came with the archive, or of none."""
        if upload.sigstore is None:
            return _about_missing_bundle(found, access, by)
        release = found.release
        try:
            if release is None:
                await self.sigstore_bundles.verify(
                    upload.sigstore, bala.coordinate, bala.archive_digest, by.provenance
                )
            elif release.archive_digest == bala.archive_digest:
                await self.sigstore_bundles.check(upload.sigstore, release)
        except (Conflict, Invalid, TooLarge) as refusal:
            return [Finding.of(refusal)]
        except Unavailable:
            message = (
                "The Sigstore bundle was not checked, because the registry cannot do that now. "
                "Check the archive again in a minute."
            )
            return [Finding("sigstore-not-checked", FindingSeverity.NOTE, message)]
        return []

    async def _about_rules(
        self, upload: Upload, bala: Bala, found: FoundRelease, access: AccessContext, by: Principal
    ) -> list[Finding]:
        organization = access.organization
        asked = RuledArchive(upload.content, bala, found.head, organization, by, Occasion.DRY_RUN)
        findings = list(map(Finding.of_rule, await self.rules.findings(asked)))
        return [*findings, _SCANNED] if self.scanner.is_set else findings


_SCANNED = Finding(
    "scanner-not-asked",
    FindingSeverity.NOTE,
    "A push asks the scanner of this registry about the archive, and this check does not.",
)
_HELD = Finding(
    "package-held",
    FindingSeverity.WARNING,
    "Administrators of this registry hold the package while they look at a case. A push is stored, "
    "and published when they end that.",
)


def _finding_of(hold: PackageHold) -> Finding:
    if not hold.resembles:
        return _HELD
    message = f"A push is stored and held: {hold.reason}. An administrator decides on the name."
    return Finding("name-resembles", FindingSeverity.WARNING, message)


def _about_missing_bundle(
    found: FoundRelease, access: AccessContext, by: Principal
) -> list[Finding]:
    """Return that a push is held until its bundle comes, where the organization requires one."""
    organization = access.organization
    if found.release is not None or organization is None or by.provenance is None:
        return []
    if organization.requires_provenance is not RequiredProvenance.SIGSTORE:
        return []
    message = (
        f"{organization.name} requires a Sigstore bundle of each release. Without the part "
        "provenance a push is stored, and published when its bundle comes."
    )
    return [Finding("release-awaits-sigstore", FindingSeverity.WARNING, message)]


def _about_right(missing: Refusal | None, by: Principal) -> list[Finding]:
    if missing is None:
        return []
    if any(grant.scopes & PUBLISHING_SCOPES for grant in by.grants):
        return [Finding.of(missing)]
    message = "This credential reads, and publishes nothing. A push takes one that publishes."
    return [Finding("read-only-credential", FindingSeverity.NOTE, message)]
