"""Publishing: how an archive becomes a release."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from shared.auth.authorization import Authorization
from shared.caching import LruCache
from shared.domain.archives.bala import Bala, require_coordinate
from shared.domain.archives.delivery import archive_container
from shared.domain.archives.names import Digest
from shared.domain.errors.identity import NotPermitted, TokenUnknown
from shared.domain.errors.packages import (
    DigestMismatch,
    MissingDependencies,
    SpelledDifferently,
    ToolTaken,
    VersionExists,
    VisibilityDiffers,
)
from shared.domain.identity import AccessContext, Principal
from shared.domain.names import Coordinate, Package
from shared.domain.packages import FoundRelease, Head, Release, State, Visibility
from shared.domain.releases import held_for_owner, new_head, new_release
from shared.domain.rights import PUBLISHING_SCOPES, Action
from shared.ports import AlreadyThere, ArchiveStore, Clock, DocumentStore, MetadataStore
from shared.services.archives import ArchiveReader
from shared.services.derived_data import DerivedData
from shared.services.mail import HeldReleaseMail
from shared.services.organizations import Organizations
from shared.services.rate_limits import BURST_REASON, PublishAllowance, RateLimiter
from shared.services.trusted_publishing import TrustedPublishers, check_pusher

# Clients repeat a push at once on a 5xx or a lost connection, and people soon after.
REPEAT_WINDOW = timedelta(minutes=10)
PUBLISHER_CACHED_FOR = timedelta(
    minutes=10
)  # So long a credential's archives are read without asking.
MAX_PUBLISHERS_CACHED = 1_000  # Credentials of which that is remembered.

_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Upload:
    """An archive as it arrived, with what the client announced of it, if anything."""

    content: bytes | memoryview
    announced: Digest | None = None
    claimed: Coordinate | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """How a push comes in: why its release is to be held until an owner confirms it, if at all,
    and who sees a new package whose archive does not say."""

    held_for: str
    visibility: Visibility


@dataclass(frozen=True)
class DependencyCheck:
    """Checks direct dependencies where the operator asks for it; most registries start without the
    standard library, so by default nothing is checked."""

    authorization: Authorization
    metadata: MetadataStore
    required: bool

    async def check(self, bala: Bala, by: Principal) -> None:
        """Raise `MissingDependencies` when the check is on and a direct dependency is missing."""
        if not self.required or not bala.dependencies:
            return
        wanted = [Coordinate.parse(each.org, each.name, each.version) for each in bala.dependencies]
        found = await asyncio.gather(*map(self.metadata.find, wanted))
        heads = [(each.package, here.head) for each, here in zip(wanted, found, strict=True)]
        readable = await self.authorization.readable(by, heads)
        missing = tuple(
            each
            for each, here in zip(wanted, found, strict=True)
            if here.release is None or each.package.key not in readable
        )
        if missing:
            raise MissingDependencies(bala.coordinate, missing)


@dataclass(frozen=True)
class Publishing:
    """Admits new releases."""

    authorization: Authorization
    organizations: Organizations
    archive_reader: ArchiveReader
    metadata: MetadataStore
    documents: DocumentStore
    archives: ArchiveStore
    derived_data: DerivedData
    clock: Clock
    dependency_check: DependencyCheck
    publishers: TrustedPublishers
    rate_limiter: RateLimiter
    mail: HeldReleaseMail
    admitted: Callable[[Release], None]  # Told of each new release, and of no repeat.
    _publishers: LruCache[int] = field(default_factory=lambda: LruCache[int](MAX_PUBLISHERS_CACHED))

    async def push(self, upload: Upload, by: Principal) -> Release:
        """Publish the archive and return its release, listed everywhere.

        A repeat of the same bytes by the same principal within `REPEAT_WINDOW` returns the release
        that is there. Raises a refusal and changes nothing otherwise.
        """
        if upload.claimed:
            bala, found, right = await self._read_claimed(upload, upload.claimed, by)
        else:
            bala, found, right = await self._read_unclaimed(upload, by)
        admission = await self._admit(bala, found, right, by)
        if found.release:
            return await self._repeated(bala, found, by)
        return await self._publish(upload, bala, found.head, by, admission=admission)

    async def may_publish(self, by: Principal) -> bool:
        """Say whether `by` may publish in some organization, which a push then asks no store again.

        For a host that decides whose bodies it reads; it gives no right.
        """
        if not any(grant.scopes & PUBLISHING_SCOPES for grant in by.allowances):
            return False
        try:
            await self._require_publisher(by)
        except (NotPermitted, TokenUnknown):
            return False
        return True

    async def _read_claimed(
        self, upload: Upload, claimed: Coordinate, by: Principal
    ) -> tuple[Bala, FoundRelease, Awaitable[AccessContext]]:
        """Read the archive of a release that the request names; check the right to it first."""
        found = await self.metadata.find(claimed)
        standing = await self.require_right(claimed.package, found.head, by)
        return await self._read(upload), found, _answered(standing)

    async def _read_unclaimed(
        self, upload: Upload, by: Principal
    ) -> tuple[Bala, FoundRelease, Awaitable[AccessContext]]:
        """Read an archive that alone names its release, from somebody who may publish anything."""
        await self._require_publisher(by)
        bala = await self._read(upload)
        found = await self.metadata.find(bala.coordinate)
        return bala, found, self.require_right(bala.coordinate.package, found.head, by)

    async def _require_publisher(self, by: Principal) -> None:
        """Raise unless `by` may publish somewhere; a good answer is kept for a while, since the
        right to the package is asked in any case."""
        now_ms, key = self.clock.now_ms(), f"{by.id} {by.credential}"
        until_ms = self._publishers.get(key)
        if until_ms is None or until_ms < now_ms:
            await self.authorization.require_publisher(by)
            self._publishers.put(key, now_ms + PUBLISHER_CACHED_FOR // _MS)

    async def _read(self, upload: Upload) -> Bala:
        bala = await self.archive_reader.read(upload.content)
        _check_announced(upload, bala)
        return bala

    async def _publish(
        self,
        upload: Upload,
        bala: Bala,
        known: Head | None,
        by: Principal,
        *,
        admission: Admission,
    ) -> Release:
        now_ms = self.clock.now_ms()
        await self._claim_tools(bala, by)
        fresh = new_head(bala, by=by, now_ms=now_ms, unsaid=admission.visibility)
        head = known or await self.metadata.claim(fresh)
        _check_name(bala, head)
        # Before the commit: a publisher that made a package is never one that waits for it.
        await self.publishers.bind(head, by=by)
        release = new_release(bala, by=by, now_ms=now_ms)
        if admission.held_for:
            release = held_for_owner(release, admission.held_for)
        # Bytes before record: a crash between the two leaves an orphan for the sweep, never a
        # release that cannot be pulled.
        await asyncio.gather(
            self.archives.put(release.archive, upload.content, archive_container(head, release)),
            self.documents.put(bala.digest, bala.texts, bala.graph),
        )
        try:
            await self.metadata.add_release(release)
        except AlreadyThere:
            return await self._repeated(bala, await self.metadata.find(bala.coordinate), by)
        self.admitted(release)
        await self.derived_data.add_release(head, release, bala.texts)
        if release.awaits_owner:
            await self.mail.send_held(release)
        return release

    async def _admit(
        self, bala: Bala, found: FoundRelease, right: Awaitable[AccessContext], by: Principal
    ) -> Admission:
        """Raise unless `by` may publish this; an administrator's push founds the organization."""
        package = bala.coordinate.package
        standing, pace = await asyncio.gather(right, self._pace(package, found, by))
        pace.require()
        await self.dependency_check.check(bala, by)
        _check_org(package, standing)
        if found.head:
            _check_name(bala, found.head)
        await self._check_tools(bala, by)
        # Last, because it is the first that is written: a refused push leaves nothing behind.
        await self.organizations.create_if_absent(package.org, standing, by=by)
        is_burst = pace.is_burst
        if standing.sponsor and not found.release:
            is_burst |= await self.rate_limiter.count_burst_of(standing.sponsor, package)
        held_for = BURST_REASON if is_burst and not standing.is_administrator else ""
        return Admission(held_for, _default_visibility(standing))

    async def _pace(self, package: Package, found: FoundRelease, by: Principal) -> PublishAllowance:
        """Count the push, unless it repeats what is there."""
        return (
            PublishAllowance() if found.release else await self.rate_limiter.count_push(by, package)
        )

    async def require_right(
        self, package: Package, head: Head | None, by: Principal
    ) -> AccessContext:
        """Return the standing by which `by` may publish the package, or raise the refusal."""
        action = Action.PUSH_VERSION if head else Action.PUSH_NEW
        standing = await self.authorization.require(by, action, package)
        if head:
            check_pusher(head, by)
        return standing

    async def _repeated(self, bala: Bala, found: FoundRelease, by: Principal) -> Release:
        """Refresh what is derived and return the release, if this push is a repeat of its own."""
        head, release = found.head, found.release
        if head is None or release is None or not self._is_repeat(bala, release, by):
            raise VersionExists(bala.coordinate)
        await self.derived_data.add_release(head, release, bala.texts)
        return release

    def _is_repeat(self, bala: Bala, release: Release, by: Principal) -> bool:
        age = timedelta(milliseconds=self.clock.now_ms() - release.created_ms)
        return (
            (release.state is State.LIVE or release.awaits_owner)
            and release.digest == bala.digest.hex
            and release.origin.principal == by.id
            and age <= REPEAT_WINDOW
        )

    async def _check_tools(self, bala: Bala, by: Principal) -> None:
        """Raise `ToolTaken` before anything is claimed for an archive that cannot come in."""
        if not bala.tools:
            return
        owners = await self.metadata.tool_owners(bala.tools)
        for tool, owner in zip(bala.tools, owners, strict=True):
            if owner is not None:
                await self._require_owner(tool, owner, bala, by)

    async def _claim_tools(self, bala: Bala, by: Principal) -> None:
        for tool in bala.tools:
            owner = await self.metadata.claim_tool(tool, bala.coordinate.package)
            await self._require_owner(tool, owner, bala, by)

    async def _require_owner(self, tool: str, owner: Package, bala: Bala, by: Principal) -> None:
        if owner.key == bala.coordinate.package.key:
            return
        head = await self.metadata.head(owner)
        is_seen = head is not None and await self.authorization.may_read(by, head)
        raise ToolTaken(tool, owner if is_seen else None)


async def _answered(standing: AccessContext) -> AccessContext:
    return standing


def _check_announced(upload: Upload, bala: Bala) -> None:
    if upload.announced and upload.announced != bala.digest:
        raise DigestMismatch(upload.announced, bala.digest)
    if upload.claimed:
        require_coordinate(bala, upload.claimed)


def _check_org(package: Package, standing: AccessContext) -> None:
    if standing.organization and standing.organization.name != package.org:
        raise SpelledDifferently(package.org, standing.organization.name)


def _default_visibility(standing: AccessContext) -> Visibility:
    organization = standing.organization
    return organization.default_visibility if organization else Visibility.PUBLIC


def _check_name(bala: Bala, head: Head) -> None:
    """Raise when the archive and the package that is there do not belong together."""
    if bala.coordinate.package != head.package:
        raise SpelledDifferently(bala.coordinate.package, head.package)
    if bala.visibility is Visibility.PRIVATE and head.visibility is Visibility.PUBLIC:
        raise VisibilityDiffers(head.package)
