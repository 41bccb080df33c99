"""Publishing: validates an archive and stores it as a release."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.access_rights import AccessContext
from shared.domain.coordinates import Package
from shared.domain.errors.base import Refusal, Unavailable
from shared.domain.errors.packages import VersionExists
from shared.domain.errors.withheld import refusal_of_withheld
from shared.domain.packages import (
    FoundRelease,
    Head,
    Release,
    ReleaseWarning,
    RequiredApproval,
    RequiredProvenance,
    archive_container,
)
from shared.domain.principals import Principal
from shared.domain.publishing_rules import RuleEffect, RuleFinding, first_with
from shared.domain.rate_limits import RateLimitAllowance
from shared.domain.release_states import State
from shared.domain.releases import (
    PUBLISHER_WORDS,
    held_for_owner,
    held_for_package,
    held_for_review,
    held_for_scanner,
    held_for_sigstore,
    new_head,
    new_release,
)
from shared.domain.visibility import Readers, Visibility
from shared.ports.archive_store import ArchiveStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.runtime.gathering import gather_all
from shared.services.api_docs.api_docs_queue import ApiDocsQueue
from shared.services.limits.rate_limits import PublishAllowance, RateLimiter
from shared.services.organizations.organizations import Organizations
from shared.services.packages.archive_reader import ArchiveReader
from shared.services.packages.derived_data import DerivedData
from shared.services.packages.release_storing import NewRelease, ReleaseStoring
from shared.services.provenance.sigstore_bundles import SigstoreBundle, SigstoreBundles
from shared.services.publishing.candidate_checks import Candidate, CandidateChecks, check_name
from shared.services.publishing.new_release_mail import NewReleaseMail
from shared.services.publishing.published_contents import PublishedContents
from shared.services.publishing.publishing_rights import PublishingRights
from shared.services.publishing.publishing_rules import Occasion, PublishingRules, RuledArchive
from shared.services.publishing.scanner import Scanner
from shared.services.publishing.uploads import Upload, read_upload
from shared.services.tokens.trusted_publishers import TrustedPublishers

MAX_WARNINGS = 10  # Warnings stored with a release, whose record may have 16 KB.


class Outcome(Enum):
    """The outcome of a push that was admitted."""

    PUBLISHED = "published"
    REPEATED = "repeated"  # The release existed already, and this push has the same files.
    HELD = "held"  # An owner has to confirm the release.
    WITHHELD = "withheld"  # A repeat of a release that an administrator withheld.


class Publication(Struct, frozen=True):
    """The result of a push: the release that is stored, and what is left of the tightest rate limit
    that counted the push. `refusal` is what a client is told if the release is not published."""

    release: Release
    outcome: Outcome
    allowance: RateLimitAllowance | None = None
    refusal: Refusal | None = None

    def require_published(self) -> None:
        """Raise the refusal of a release that is held or withheld."""
        if self.refusal:
            raise self.refusal


class _NamedRelease(Struct, frozen=True):
    """What is stored under the coordinate that a request names, and the access by which its package
    may be published."""

    found: FoundRelease
    access: AccessContext


class _Push(Candidate, frozen=True):
    """An archive that `by` may publish, and what the steps of the push found out about it."""

    allowance: PublishAllowance
    sigstore: SigstoreBundle | None = None
    findings: tuple[RuleFinding, ...] = ()  # Findings of the rules; none of them refuses the push.
    held_by_scanner: str = ""  # Why the scanner holds it, as a sentence.
    is_put_back: bool = False  # The archive of the release was lost, and is stored again.


class Publishing(Struct, frozen=True):
    """Validates archives and publishes them as releases."""

    rights: PublishingRights
    checks: CandidateChecks
    organizations: Organizations
    archive_reader: ArchiveReader
    metadata: MetadataStore
    archives: ArchiveStore
    storing: ReleaseStoring
    published_contents: PublishedContents
    sigstore_bundles: SigstoreBundles
    derived_data: DerivedData
    clock: Clock
    rules: PublishingRules
    scanner: Scanner
    trusted_publishers: TrustedPublishers
    rate_limiter: RateLimiter
    mail: NewReleaseMail
    api_docs: ApiDocsQueue
    base_url: str
    # Counts a new release by its state; repeats are not counted.
    count_release: Callable[[Mapping[str, str]], None]
    readers: Readers

    async def push(self, upload: Upload, by: Principal) -> Publication:
        """Publish the archive, whose release is then listed everywhere, and return the outcome.

        A push of the same files as those of a release by anybody who may push it, at any time,
        returns the release that exists. If the bytes are the same as well and the stored archive
        was lost, the archive is stored again. If a refusal is raised, no release was stored; an
        archive that the scanner refuses stays until the sweep of orphaned archives. Failures of a
        store are raised as they are.
        """
        self.rate_limiter.require_upload_allowed(by)
        with self.archive_reader.in_hand(len(upload.content)):
            named = await self._require_right(upload, by)
            try:
                push, is_new = await self._publish(upload, named, by)
            except Refusal as refusal:
                # That a store or a key is out of reach is no fault of the caller, who tries again.
                if not isinstance(refusal, Unavailable):
                    self.rate_limiter.count_unpublished(by)
                raise
            return await self._follow_up(push, is_new=is_new)

    async def _publish(
        self, upload: Upload, named: _NamedRelease | None, by: Principal
    ) -> tuple[_Push, bool]:
        """Publish the archive; return the push with what is stored, and whether the release is
        new. Count an archive that changes nothing."""
        push = await self._admit(upload, named, by)
        found = push.found
        if found.release is None:
            push = await self._scanned(upload, push)
            found, is_new = await self._commit(upload, push)
            if is_new:
                return replace(push, found=found), True
        is_changed = push.is_put_back
        # A push at the same time may have stored the release without this bundle.
        if found.release and upload.sigstore is not None:
            release = await self.sigstore_bundles.add(upload.sigstore, found.release, by=by)
            is_changed |= release.sigstore != found.release.sigstore
            found = FoundRelease(found.head, release)
        if not is_changed:
            self.rate_limiter.count_unpublished(by)
        return replace(push, found=found), False

    # --- First step: nothing is written but a lost archive --------------------------------------

    async def _require_right(self, upload: Upload, by: Principal) -> _NamedRelease | None:
        """Raise, before the archive is read, unless `by` may publish: the release that the request
        names, which is returned, or somewhere if it names none."""
        if not upload.coordinate:
            await self.rights.require_somewhere(by, upload.claimed_package)
            return None
        found = await self.metadata.find(upload.coordinate)
        access = await self.rights.require_for_package(upload.coordinate.package, found.head, by)
        return _NamedRelease(found, access)

    async def _admit(self, upload: Upload, named: _NamedRelease | None, by: Principal) -> _Push:
        """Read the archive, count the push, and raise unless it can become a release of its
        package, or repeats one."""
        bala = await read_upload(self.archive_reader, upload)
        package = bala.coordinate.package
        if named:
            found = named.found
            access = named.access
            allowance = await self._count(package, found, by)
        else:
            found = await self.metadata.find(bala.coordinate)
            checking = asyncio.create_task(self.rights.require_for_package(package, found.head, by))
            counting = asyncio.create_task(self._count(package, found, by))
            await gather_all(checking, counting)
            access = checking.result()
            allowance = counting.result()
        push = _Push(bala, found, access, by, allowance)
        allowance.require()
        if found.release is None:
            await self.checks.require(push)
            push = replace(push, findings=await self._require_rules(upload, push))
            if upload.sigstore is not None:
                push = replace(push, sigstore=await self._verified(upload.sigstore, push))
        elif await self._put_back(upload, push):
            push = replace(push, is_put_back=True)
        else:
            repeated = await self.published_contents.repeated(upload.content, bala, found.release)
            if repeated is None:
                await self.checks.require(
                    push
                )  # These refusals say more than that the version exists.
                raise await self.published_contents.refusal(upload.content, bala, found, by=by)
            push = replace(push, found=FoundRelease(found.head, repeated))
        return push

    async def _require_rules(self, upload: Upload, push: _Push) -> tuple[RuleFinding, ...]:
        """Return what the rules find in the archive; raise the first refusal among that."""
        found = await self.rules.findings(
            RuledArchive(
                content=upload.content,
                bala=push.bala,
                head=push.found.head,
                organization=push.access.organization,
                by=push.by,
                occasion=Occasion.PUSH,
            )
        )
        if refusing := first_with(RuleEffect.REFUSE, found):
            raise refusing.refusal
        return tuple(found)

    async def _put_back(self, upload: Upload, push: _Push) -> bool:
        """Store the archive of a release again if it is lost or damaged; return whether it was."""
        head = push.found.head
        release = push.found.release
        if head is None or release is None or release.state is State.REMOVED:
            return False
        if release.archive_digest != push.bala.archive_digest:
            return False
        if await self._is_stored(release, upload.content):
            return False
        container = archive_container(head, release, self.readers)
        await self.archives.put(release.archive, upload.content, container)
        return True

    async def _is_stored(self, release: Release, content: bytes | memoryview) -> bool:
        there = await self.archives.stat(release.archive)
        if there is None or there.size_bytes != release.size_bytes:
            return False
        with suppress(Unavailable):  # Lost just now, or on a part of the disk that is broken.
            return await self.archives.read(release.archive) == content
        return False

    async def _verified(self, content: bytes | memoryview, push: _Push) -> SigstoreBundle:
        bala = push.bala
        provenance = push.by.provenance
        return await self.sigstore_bundles.verify(
            content, bala.coordinate, bala.archive_digest, provenance
        )

    async def _count(
        self, package: Package, found: FoundRelease, by: Principal
    ) -> PublishAllowance:
        """Count the push against the rate limits, unless the release exists."""
        if found.release:
            return PublishAllowance()
        return await self.rate_limiter.count_push(by, package)

    async def _scanned(self, upload: Upload, push: _Push) -> _Push:
        """Ask the scanner of the operator, if there is one, about an archive that nothing else
        refuses; raise its refusal."""
        if not self.scanner.is_set:
            return push
        answer = await self.scanner.ask(upload.content, push.bala)
        return replace(push, held_by_scanner=answer.held_because)

    # --- Second step: the release record commits -----------------------------------------------

    async def _commit(self, upload: Upload, push: _Push) -> tuple[FoundRelease, bool]:
        """Store the release; return what is stored, and whether this push stored it."""
        bala = push.bala
        by = push.by
        await self.storing.require_signing_key()
        organization = push.access.organization
        if organization is None:
            await self.organizations.create_by_push(push.package.org, push.access, by=by)
        now_ms = self.clock.now_ms()
        burst_reason = ""
        if push.allowance.burst or push.access.sponsor:
            burst_reason = await self._burst_reason(push)
        head = await self._claim_names(push, now_ms)
        if by.provenance and by.provenance.publishers:
            # This comes before the record, so that a publisher whose push creates the package does
            # not stay pending after a crash.
            await self.trusted_publishers.bind(head, by=by)
        release = _with_bundle(new_release(bala, by=by, now_ms=now_ms), push)
        release = await self._with_findings(release, push)
        release = _held(release, push, head, burst_reason)
        bundle = push.sigstore
        bundles = {bundle.name: bundle.content} if bundle else {}
        new = NewRelease(release, head, bala, upload.content, bundles)
        stored = await self.storing.store(new)
        if stored is not None:
            return FoundRelease(head, stored), True
        found = await self.metadata.find(release.coordinate)
        contents = self.published_contents
        repeated = None
        if found.release:
            repeated = await contents.repeated(upload.content, bala, found.release)
        if repeated is None:
            raise await contents.refusal(upload.content, bala, found, by=by)
        return FoundRelease(found.head, repeated), False

    async def _with_findings(self, release: Release, push: _Push) -> Release:
        """Return a new release with the warnings of the rules, and with the approval that the first
        rule asks for that holds it."""
        warnings = tuple(
            ReleaseWarning(rule=each.rule, whose=each.whose, message=each.message)
            for each in push.findings
            if each.effect is RuleEffect.WARN
        )
        approval = None
        if holding := first_with(RuleEffect.HOLD, push.findings):
            rules = await self.rules.effective(push.access.organization, release.org)
            approval = RequiredApproval(needed=rules.approvals.value, reason=holding.message)
        return release.model_copy(
            update={"warnings": warnings[:MAX_WARNINGS], "approval": approval}
        )

    async def _claim_names(self, push: _Push, now_ms: int) -> Head:
        """Claim the name of the archive's package, and then the ids of its tools; return the
        package's head."""
        bala = push.bala
        organization = push.access.organization
        head = push.found.head
        if head is None:
            visibility = organization.default_visibility if organization else Visibility.PUBLIC
            new = new_head(bala, by=push.by, now_ms=now_ms, default_visibility=visibility)
            hold = await self.checks.hold_of_new(push.package, push.access, push.by)
            head = await self.storing.claim_name(new.model_copy(update={"hold": hold}))
        check_name(bala, head)
        # An id is never free again, so nothing else refuses the push after this.
        for tool in bala.tools:
            owner = await self.metadata.claim_tool(tool, push.package)
            await self.checks.require_tool_owner(tool, owner, push)
        return head

    async def _burst_reason(self, push: _Push) -> str:
        """Return why an owner has to confirm the release; empty if nobody has to.

        A release is held if it belongs to a burst and burst detection is on.
        """
        sponsor = ""
        access = push.access
        burst = push.allowance.burst
        if access.sponsor:
            burst_of_both = await self.rate_limiter.count_burst_of(access.sponsor, push.package)
            if burst_of_both and not burst:
                burst = burst_of_both
                sponsor = " and the inviting owner"
        organization = access.organization
        if access.is_administrator or organization is None or not burst:
            return ""
        if self.clock.now_ms() < organization.bursts_until_ms:
            return ""
        return f"{PUBLISHER_WORDS}{sponsor} published {burst} in ten minutes"

    # --- Third step: what is derived, which a repeated push completes ---------------------------

    async def _follow_up(self, push: _Push, *, is_new: bool) -> Publication:
        """Update the derived data of the release, and return the outcome of the push."""
        head = push.found.head
        release = push.found.release
        if head is None or release is None:
            raise VersionExists(push.bala.coordinate)
        if is_new:
            self.count_release({"state": release.state.value})
            await self.derived_data.add_release(head, release, push.bala.texts)
        elif release.outbox:  # A push or a decision crashed before all derived data was written.
            await self.derived_data.update(release)
        if is_new:
            self.api_docs.add(release.coordinate)
            await self.mail.send(head, release)
        outcome = Outcome.PUBLISHED if is_new else Outcome.REPEATED
        refusal: Refusal | None = None
        if release.state is not State.LIVE:
            outcome = Outcome.HELD if release.is_waiting else Outcome.WITHHELD
            # The release is stored. The answer is a refusal all the same, because a client that
            # prints success would mislead its user.
            refusal = refusal_of_withheld(release, by=push.by.id, base_url=self.base_url)
        return Publication(release, outcome, push.allowance.tightest, refusal)


def _held(release: Release, push: _Push, head: Head, burst_reason: str) -> Release:
    """Return a new release as held for the first reason to hold it, if there is one."""
    if push.held_by_scanner:
        # First, as administrators decide on it, and what else it waits for comes after that.
        return held_for_scanner(release, push.held_by_scanner)
    if burst_reason:
        return held_for_owner(release, burst_reason)
    if head.hold:
        return held_for_package(release, head.hold)
    if release.approval:
        return held_for_review(release, release.approval)
    return held_for_sigstore(release) if release.needs_sigstore else release


def _with_bundle(release: Release, push: _Push) -> Release:
    """Return a new release with what its Sigstore bundle was verified by, or marked as waiting for
    one that its organization requires."""
    if push.sigstore:
        return release.model_copy(update={"sigstore": push.sigstore.instance.value})
    organization = push.access.organization
    needed = organization.requires_provenance if organization else RequiredProvenance.NOTHING
    return release.model_copy(update={"needs_sigstore": needed is RequiredProvenance.SIGSTORE})
