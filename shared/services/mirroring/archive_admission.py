"""Admission: fetches an archive from its upstream, verifies it, and stores it as a release. What
is stored is refreshed behind requests for it: deprecations, removals, a digest that changed.

Nothing is visible before everything is verified: the digest that was announced, which is pinned,
the license, and what the registry checks of every archive. The record of the release is written
last.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from functools import partial

from msgspec import Struct, field

from shared.domain.archives.bala import require_coordinate
from shared.domain.coordinates import Coordinate, package_owner
from shared.domain.errors.base import Refusal
from shared.domain.errors.packages import (
    UNUSABLE,
    ReleaseNotFound,
    SpelledDifferently,
    UpstreamReleaseRefused,
    UpstreamUnavailable,
    VersionSpelledDifferently,
    archive_too_large,
)
from shared.domain.grants import Grant
from shared.domain.listings import Listing
from shared.domain.mirroring import FetchedArchive
from shared.domain.packages import ArchiveFacts, Release
from shared.domain.principals import MIRROR, Principal
from shared.domain.publishing_rules import RuleEffect, first_with, stricter
from shared.domain.releases import mirrored_head
from shared.domain.rules.license_rule import LicensedRelease, license_findings
from shared.domain.scopes import Scope
from shared.domain.times import MS
from shared.domain.upstream_withdrawals import UpstreamWithdrawal
from shared.domain.visibility import Visibility
from shared.ports.http_client import AnswerTooLarge, Unanswered
from shared.runtime.background_tasks import BackgroundTasks
from shared.runtime.lru_cache import LruCache
from shared.runtime.single_flight import SingleFlight
from shared.services.mirroring.approved_packages import RegistryRuleSource
from shared.services.mirroring.upstream_questions import Asker
from shared.services.mirroring.upstream_reader import UpstreamReader
from shared.services.mirroring.upstreams import UpstreamSource, refusal_of
from shared.services.mirroring.withdrawals import UpstreamWithdrawals
from shared.services.packages.archive_reader import ArchiveReader
from shared.services.packages.external_releases import ExternalReleases

_DAMAGED = "the archive that came has another digest than was announced"


class MirroredLicenses(Struct, frozen=True):
    """Keeps releases of upstreams out whose license the registry does not allow. What is stored
    already stays, and a refusal ends with the rule."""

    rules: RegistryRuleSource

    async def require(self, release: ArchiveFacts, upstream: str) -> None:
        """Raise `UpstreamReleaseRefused` unless the rule lets the release in."""
        rules = stricter(await self.rules.current(), None, release.org)
        asked = LicensedRelease(str(release.coordinate), release.licenses, is_mirrored=True)
        found = first_with(RuleEffect.REFUSE, license_findings(asked, rules))
        if found:
            raise UpstreamReleaseRefused(release.coordinate, upstream, found.message)


class Admission(Struct, frozen=True):
    """Admits releases of the upstream, each fetched once at a time by a process."""

    reader: UpstreamReader
    archive_reader: ArchiveReader  # Applies only the rules that are needed for safety.
    releases: ExternalReleases
    licenses: MirroredLicenses
    _flights: SingleFlight[bool] = field(default_factory=SingleFlight[bool])

    async def admit(self, coordinate: Coordinate, asker: Asker) -> bool:
        """Store the release; return False if the upstream does not have it. Do nothing if it is
        stored or withheld.

        A release that the caller must not find is handled as one that is not stored. A fetch goes
        on after its caller was cancelled, for the one who repeats it. Raises
        `UpstreamReleaseRefused`, `UpstreamUnavailable` and `TooManyRequests`.
        """
        stored = await self.releases.metadata.find(coordinate, check=asker.check)
        if stored.release is not None:
            return True
        sources = await self.reader.sources_for(coordinate.package, asker)
        if self.reader.is_missing(coordinate, sources):
            return False
        await self.reader.require_admitted(coordinate, asker)
        await self.reader.questions.count(asker)
        via = asker.via()
        follower = Asker(asker.by, lambda: via, asker.sources)
        key = f"{sources[-1].cache_key} {coordinate.key}"
        return await self._flights.answer(key, lambda: self._fetch(coordinate, sources, follower))

    async def close(self) -> None:
        """Stop fetching; what is not stored is fetched again when somebody asks for it."""
        await self._flights.close()

    async def _fetch(
        self, coordinate: Coordinate, sources: Sequence[UpstreamSource], asker: Asker
    ) -> bool:
        for each in sources:
            async with AsyncExitStack() as opened:  # It closes the archive's file at the end.
                found = await self._found(each, coordinate, asker, opened)
                if found is None:
                    continue
                described, fetched = found
                if each.sends_token:
                    # An earlier answer without the token may be from before the release was
                    # published.
                    public = await self.reader.describe_by(
                        sources[:1], coordinate, asker, anew=True
                    )
                    described = public or described
                await self._store(each, described, fetched)
                return True
        return False

    async def _found(
        self, source: UpstreamSource, coordinate: Coordinate, asker: Asker, opened: AsyncExitStack
    ) -> tuple[Listing, FetchedArchive] | None:
        """Return the description and the archive; None if the upstream does not have both."""
        # At the same time, because either takes public Central half a second. Both end before
        # anything is decided.
        described, fetched = await asyncio.gather(
            self.reader.describe_by([source], coordinate, asker),
            self._archive(source, coordinate, asker, opened),
            return_exceptions=True,
        )
        try:
            if isinstance(described, BaseException):
                raise described
            if isinstance(fetched, AnswerTooLarge):
                if described is None:
                    return None
                limit = self.archive_reader.limits.archive_bytes
                refusal = archive_too_large(limit + 1, limit)
                raise await self._refused(source, described.release, refusal)
            if isinstance(fetched, Unanswered):
                raise refusal_of(fetched, coordinate, source)
            if isinstance(fetched, BaseException):
                raise fetched
            return (described, fetched) if described and fetched else None
        finally:
            # An exception refers to the frame that refers to it, and this ends the cycle.
            del described, fetched

    async def _archive(
        self, source: UpstreamSource, coordinate: Coordinate, asker: Asker, opened: AsyncExitStack
    ) -> FetchedArchive | None:
        """Fetch the archive, unless that failed lately; its file is closed with `opened`."""
        cache = self.reader.cache
        key = (source.cache_key, "archive", coordinate.key)
        cache.require_not_failed(key)
        fetch = source.upstream.fetch(coordinate, via=asker.via())
        try:
            return await source.breaker.ask(
                package_owner(coordinate.package), lambda: opened.enter_async_context(fetch)
            )
        except Unanswered as failure:
            if not isinstance(failure, AnswerTooLarge):  # The release is refused for that.
                cache.note_failure(key, failure)
            raise

    async def _store(
        self, source: UpstreamSource, described: Listing, fetched: FetchedArchive
    ) -> None:
        release = described.release
        coordinate = described.release.coordinate
        await self.licenses.require(release, source.name)
        # The digest of the description is pinned, and the redirect has to announce the same one.
        await self.reader.pins.require(coordinate, fetched.announced, source.name)
        if fetched.digest != fetched.announced:
            source.breaker.note_unusable(package_owner(coordinate.package), _DAMAGED)
            raise UpstreamUnavailable(coordinate, source.name, UNUSABLE)
        try:
            bala = await self.archive_reader.read(fetched.content)
            require_coordinate(bala, coordinate)
        except Refusal as refusal:
            raise await self._refused(source, release, refusal) from None
        await self.licenses.require(bala, source.name)
        if not await self.reader.owners.claim(coordinate.package.org, source.name):
            raise ReleaseNotFound(coordinate.package, coordinate.version)
        now_ms = self.reader.clock.now_ms()
        visibility = described.head.visibility
        head = mirrored_head(bala, source.name, visibility, now_ms=now_ms)
        try:
            await self.releases.store(bala, fetched.content, release, head)
        except (SpelledDifferently, VersionSpelledDifferently) as refusal:
            raise await self._refused(source, release, refusal) from None

    async def _refused(
        self, source: UpstreamSource, release: Release, refusal: Refusal
    ) -> UpstreamReleaseRefused:
        pins = self.reader.pins
        return await pins.refuse(
            release.coordinate, release.archive_digest, source.name, str(refusal)
        )


REFRESHES_REMEMBERED = 5_000  # Releases.
AT_ONCE = 1  # Requests at once: a build asks for hundreds of releases, and public Central is slow.
# Waiting releases; if there are more, the others are refreshed by a later request.
MOST_WAITING = 1_000

_WITH_TOKEN = Principal(id=MIRROR.id, grants=(Grant(scopes=frozenset({Scope.READ})),))


class Refreshing(Struct, frozen=True):
    """Asks the upstream about stored releases, each once in a while, and never delays a request."""

    reader: UpstreamReader
    releases: ExternalReleases
    withdrawals: UpstreamWithdrawals
    fresh_for: timedelta
    _refreshed: LruCache[str, int] = field(
        default_factory=lambda: LruCache[str, int](REFRESHES_REMEMBERED)
    )
    _tasks: BackgroundTasks = field(default_factory=BackgroundTasks)
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def refresh(self, release: Release) -> None:
        """Refresh a mirrored release, unless that was done lately; do nothing with ours."""
        origin = release.upstream
        if origin is None or len(self._tasks) >= MOST_WAITING:
            return
        key = release.coordinate.key
        clock = self.reader.clock
        now_ms = clock.monotonic_ms()
        last_ms = self._refreshed.get(key)
        if last_ms is None:  # It was fetched lately, or the process started.
            # The clock may have been set back since then.
            last_ms = now_ms - max(clock.now_ms() - origin.first_seen_ms, 0)
            self._refreshed.put(key, last_ms)
        if now_ms - last_ms < self.fresh_for // MS:
            return
        self._refreshed.put(key, now_ms)
        self._tasks.start(self._refresh(release))

    async def drain(self) -> None:
        """Wait for what is being refreshed."""
        await self._tasks.close()

    async def close(self) -> None:
        """Stop refreshing."""
        await self._tasks.cancel()

    async def _refresh(self, release: Release) -> None:
        # What everybody gets is asked for first, so that the visibility is known, too.
        at = release.coordinate
        asker = Asker(_WITH_TOKEN)
        # Whatever fails is repeated by a later request; it was logged.
        with suppress(Refusal):
            async with self._turns:
                sources = await self.reader.sources_for(at.package, asker)
                if not sources:  # Nobody says that it is gone.
                    return
                found = await self.reader.describe_by(sources, at, asker, anew=True)
            if found is not None:
                await self.withdrawals.note_back(release)
                await self.releases.follow(release, found.release.deprecation, None)
                await self.releases.follow_visibility_of(at.package, found.head.visibility)
                return
            head = await self.releases.metadata.head(at.package)
            is_internal = head is not None and head.visibility is Visibility.INTERNAL
            # An upstream describes internal releases only to requests with its token.
            if not is_internal or any(each.sends_token for each in sources):
                withdrawal = await self._withdrawal(sources, at, asker)
                await self.withdrawals.note_gone(release, withdrawal)

    async def _withdrawal(
        self, sources: Sequence[UpstreamSource], at: Coordinate, asker: Asker
    ) -> UpstreamWithdrawal | None:
        """Return what the upstream says of a release that it no longer has."""
        for each in sources:
            ask = partial(each.upstream.withdrawal, at, via=asker.via())
            try:
                found = await each.breaker.ask(package_owner(at.package), ask)
            except Unanswered as failure:
                raise refusal_of(failure, at, each) from None
            if found is not None:
                return found
        return None
