"""Admission: fetches an archive from its upstream, verifies it, and stores it as a release.

Nothing is visible before everything is verified: the digest that was announced, which is pinned,
and what the registry checks of every archive. The record of the release is written last.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta

from shared.domain.archives.bala import Bala, require_coordinate
from shared.domain.archives.names import Digest
from shared.domain.errors.base import Refusal
from shared.domain.errors.packages import (
    UNUSABLE,
    ReleaseNotFound,
    SpelledDifferently,
    UpstreamUnavailable,
    archive_too_large,
)
from shared.domain.mirroring import FetchedArchive, UpstreamPackage
from shared.domain.names import Coordinate, package_owner
from shared.ports import AnswerTooLarge, Unanswered
from shared.runtime.caching import SingleFlight
from shared.services.leases import Leases
from shared.services.mirroring.mirrored_releases import ForeignRelease, MirroredReleases
from shared.services.mirroring.upstream_questions import Asker, refusal_of
from shared.services.mirroring.upstream_reader import EXACT_CLIENT, UpstreamReader
from shared.services.mirroring.upstreams import UpstreamSource
from shared.services.packages.archive_reader import ArchiveReader

FETCH_LEASE = timedelta(seconds=20)  # After the death of a process others wait this long.
LOOKED_AT_EVERY = timedelta(milliseconds=200)  # What another process fetches.
WAITED_FOR = timedelta(seconds=50)  # `bal` gives up after 60.


Sleep = Callable[[float], Awaitable[None]]
_DAMAGED = "the archive that came has another digest than was announced"


@dataclass(frozen=True)
class Admission:
    """Admits releases of the upstream, each fetched once by all processes together."""

    reader: UpstreamReader
    leases: Leases
    archive_reader: ArchiveReader  # Without the rules that are no safety.
    releases: MirroredReleases
    sleep: Sleep = asyncio.sleep
    _flights: SingleFlight[bool] = field(default_factory=SingleFlight[bool])

    async def admit(self, coordinate: Coordinate, asker: Asker) -> bool:
        """Store the release, or its archive again if that was dropped; return False if the upstream
        does not have it. Do nothing if it is stored or withheld.

        A release that the caller must not find is handled as one that is not stored. A fetch goes
        on after its caller was cancelled, for the one who repeats it. Raises
        `UpstreamReleaseRefused`, `UpstreamUnavailable` and `TooManyRequests`.
        """
        if await self._is_stored(coordinate, asker):
            return True
        if await self.reader.questions.is_missing(coordinate, asker):
            return False
        await self.reader.require_admitted(coordinate, asker)
        await self.reader.questions.count(asker)
        via, place = asker.via(), await self.reader.questions.place(asker)
        follower = Asker(asker.by, lambda: via, asker.sources)
        return await self._flights.answer(
            place + coordinate.key, lambda: self._admit_once(coordinate, place, follower)
        )

    async def bring_back(self, coordinate: Coordinate, asker: Asker) -> None:
        """Store the archive of a release again that was dropped; do nothing if it is stored.

        Raises `UpstreamUnavailable` also if the upstream has it no more, and what `admit` raises.
        """
        if not await self.admit(coordinate, asker):
            raise await self._unavailable(coordinate, asker)

    async def close(self) -> None:
        """Stop fetching; what is not stored is fetched again when somebody asks for it."""
        await self._flights.close()

    async def _is_stored(self, coordinate: Coordinate, asker: Asker) -> bool:
        return await self.releases.is_stored(coordinate, asker.may_see)

    async def _admit_once(self, coordinate: Coordinate, place: str, asker: Asker) -> bool:
        name = f"mirror:{place}{package_owner(coordinate.package)}:{coordinate.version}"
        for _ in range(WAITED_FOR // LOOKED_AT_EVERY):
            async with self.leases.held(name, FETCH_LEASE) as is_ours:
                if is_ours:
                    # Another process may have ended while this one took the lease.
                    return await self._is_stored(coordinate, asker) or await self._fetch(
                        coordinate, asker
                    )
            await self.sleep(LOOKED_AT_EVERY.total_seconds())
            if await self._is_stored(coordinate, asker):
                return True
            if await self.reader.questions.is_missing(coordinate, asker):
                return False
            await self.reader.pins.accepted(coordinate, by=asker.by)
        raise await self._unavailable(coordinate, asker)

    async def _unavailable(self, coordinate: Coordinate, asker: Asker) -> UpstreamUnavailable:
        source = await self.reader.source(coordinate.package, asker)
        return UpstreamUnavailable(coordinate, source.name if source else "")

    async def _fetch(self, coordinate: Coordinate, asker: Asker) -> bool:
        source = await self.reader.source(coordinate.package, asker)
        if source is None:
            return False
        for each in source.asked_by(asker.by):
            if await self._fetch_from(each, source, coordinate, asker):
                return True
        await self.reader.questions.note_missing(coordinate, asker)
        return False

    async def _fetch_from(
        self, source: UpstreamSource, first: UpstreamSource, coordinate: Coordinate, asker: Asker
    ) -> bool:
        async with AsyncExitStack() as opened:  # Has the file of the archive until it is stored.
            # At the same time, because either takes public Central half a second. Both end before
            # anything is decided.
            described, fetched = await asyncio.gather(
                self.reader.describe_by(source, coordinate, asker),
                self._archive(source, coordinate, asker, opened),
                return_exceptions=True,
            )
            if isinstance(described, BaseException):
                try:
                    raise described
                finally:
                    del described  # Otherwise it is in a cycle with the frame that it names.
            if isinstance(fetched, Unanswered) and not isinstance(fetched, AnswerTooLarge):
                raise refusal_of(fetched, coordinate, source)
            if described is None or fetched is None:
                return False
            if isinstance(fetched, AnswerTooLarge):
                limit = self.archive_reader.max_archive_bytes
                digest, refusal = (
                    described.listing.release.content,
                    archive_too_large(limit + 1, limit),
                )
                raise await self._refused(source, coordinate, digest, refusal)
            if isinstance(fetched, BaseException):
                try:
                    raise fetched
                finally:
                    del fetched
            if source.sends_token and await self._is_public(first, coordinate, asker):
                described = described.public
            await self._admit_archive(source, described, fetched)
            return True

    async def _archive(
        self,
        source: UpstreamSource,
        coordinate: Coordinate,
        asker: Asker,
        opened: AsyncExitStack,
    ) -> FetchedArchive | None:
        """Fetch the archive, unless that failed lately; its file is closed with `opened`."""
        kept, key = self.reader.questions.kept, (source.kept_as, "archive", coordinate.key)
        kept.require_not_failed(key)
        try:
            return await source.gate.ask(
                package_owner(coordinate.package),
                lambda: opened.enter_async_context(
                    source.upstream.fetch(coordinate, via=asker.via())
                ),
            )
        except Unanswered as failure:
            if not isinstance(failure, AnswerTooLarge):  # The release is refused for that.
                kept.note_failure(key, failure)
            raise

    async def _is_public(
        self, source: UpstreamSource, coordinate: Coordinate, asker: Asker
    ) -> bool:
        """Check whether the upstream gives the release to everybody now: that it was missing may
        be a note from before it was published. Raises `UpstreamUnavailable`."""
        package, version = coordinate.package, coordinate.version
        ask, via = source.upstream.describe, asker.via()
        try:
            found = await source.gate.ask(
                package_owner(package), lambda: ask(package, version, EXACT_CLIENT, via=via)
            )
        except Unanswered as failure:
            raise refusal_of(failure, coordinate, source) from None
        return found is not None

    async def _admit_archive(
        self, source: UpstreamSource, described: UpstreamPackage, fetched: FetchedArchive
    ) -> None:
        coordinate = described.coordinate
        # The digest of the description is pinned, and the redirect has to announce the same one.
        await self.reader.pins.require(coordinate, fetched.announced, source.name)
        if fetched.digest != fetched.announced:
            source.gate.note_unusable(package_owner(coordinate.package), _DAMAGED)
            raise UpstreamUnavailable(coordinate, source.name, UNUSABLE)
        try:
            bala = await self.archive_reader.read(fetched.content)
            require_coordinate(bala, coordinate)
        except Refusal as refusal:
            raise await self._refused(source, coordinate, fetched.digest, refusal) from None
        await self._store(source, bala, fetched.content, described)

    async def _refused(
        self, source: UpstreamSource, coordinate: Coordinate, digest: Digest, refusal: Refusal
    ) -> Refusal:
        return await self.reader.pins.refuse(coordinate, digest, source.name, str(refusal))

    async def _store(
        self,
        source: UpstreamSource,
        bala: Bala,
        content: memoryview,
        described: UpstreamPackage,
    ) -> None:
        coordinate = bala.coordinate
        if not await self.reader.owners.claim(coordinate.package.org, source.name):
            raise ReleaseNotFound(coordinate.package, coordinate.version)
        foreign = ForeignRelease(source.name, described.listing.release, described.visibility)
        try:
            await self.releases.store(bala, content, foreign)
        except SpelledDifferently as refusal:
            raise await self._refused(source, coordinate, bala.content, refusal) from None
