"""Withdrawals of upstreams: which stored releases are quarantined with them, and what
administrators are told.

What an upstream says reaches this registry twice: by its change feed, which a task reads, and by
the refusal of a stored release that is refreshed.
"""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

from msgspec import Struct

from shared.domain.coordinates import Coordinate, release_place
from shared.domain.followed_withdrawals import (
    ToldBy,
    is_withheld,
    with_withdrawal,
    without_withdrawal,
)
from shared.domain.packages import Head, Release
from shared.domain.sentences import listed
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.domain.upstream_withdrawals import (
    UNSTATED,
    GoneRelease,
    UpstreamChange,
    UpstreamFeed,
    UpstreamWithdrawal,
    parse_followed,
)
from shared.ports.directory import DirectoryStore
from shared.ports.http_client import Unanswered
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale
from shared.services.identity.accounts import administrator_accounts
from shared.services.mail_delivery import MailDelivery, mail_text
from shared.services.mirroring.upstreams import Upstreams, UpstreamSource
from shared.services.packages.external_releases import ExternalReleases
from shared.services.packages.package_records import PackageRecordWriter
from shared.services.record_batches import all_entities

CHANGES_AT_ONCE = 500  # As many as a Ballroom sends.
MOST_NAMED = 20  # Releases that one mail names.
MAIL_KEPT_FOR = timedelta(days=30)


class UpstreamWithdrawals(Struct, frozen=True):
    """Follows what upstreams withdrew. Every call may be repeated, and stopped anywhere."""

    metadata: MetadataStore
    directory: DirectoryStore
    releases: ExternalReleases
    package_records: PackageRecordWriter
    clock: Clock
    upstream_withdrawals: str  # The reasons that are followed, as the setting names them.

    async def note_gone(self, release: Release, withdrawal: UpstreamWithdrawal | None) -> None:
        """Note that the upstream of a stored release no longer has it, and why if it says so;
        quarantine it if that reason is followed."""
        origin = release.upstream
        now_ms = self.clock.now_ms()
        if origin is None:
            return
        why = withdrawal.why if withdrawal else ""
        is_final = withdrawal is not None and withdrawal.is_final
        since_ms = origin.removed_ms or now_ms
        await self.releases.follow(
            release, release.deprecation, since_ms, why=why, is_final=is_final
        )
        is_followed = withdrawal is not None and self._follows(release, withdrawal)
        if withdrawal is not None and is_followed:
            await self._quarantine(release, origin.name, withdrawal)
        gone = GoneRelease(
            org=release.org,
            name=release.name,
            version=release.version,
            upstream=origin.name,
            since_ms=since_ms,
            is_stated=withdrawal is not None,
            why=why,
            is_final=is_final,
            is_followed=is_followed,
        )
        await self._put(gone)

    async def note_back(self, release: Release) -> None:
        """Note that the upstream serves the release again; serve it here again if it was
        quarantined with the upstream."""
        if release.upstream is None:
            return
        # Earlier versions could forget that it was removed, and leave it withheld.
        if release.upstream.removed_ms is None and not is_withheld(release, ToldBy.UPSTREAM):
            return
        now_ms = self.clock.now_ms()

        def served(_head: Head, stored: Release) -> Release:
            return without_withdrawal(stored, ToldBy.UPSTREAM, now_ms=now_ms)

        # A repeat after a failure finds that it was removed until everything else is done.
        await self.package_records.change_release(release.coordinate, served)
        await self._forget(release.coordinate)
        await self.releases.follow(release, release.deprecation, None)

    async def follow(self, upstream: str, change: UpstreamChange) -> bool:
        """Follow a change of the feed of an upstream; return whether it is about a release that is
        stored from there."""
        found = await self.metadata.find(change.coordinate)
        release = found.release
        if release is None or release.upstream is None or release.upstream.name != upstream:
            return False
        if change.withdrawal is None:
            await self.note_back(release)
        else:
            await self.note_gone(release, change.withdrawal)
        return True

    def _follows(self, release: Release, withdrawal: UpstreamWithdrawal) -> bool:
        """Check whether the release is the one that was withdrawn, for a reason that is
        followed."""
        followed = parse_followed(self.upstream_withdrawals)
        return withdrawal.digest == release.digest and (withdrawal.why or UNSTATED) in followed

    async def _quarantine(
        self, release: Release, upstream: str, withdrawal: UpstreamWithdrawal
    ) -> None:
        now_ms = self.clock.now_ms()
        public = withdrawal.public_reason(upstream)

        def withheld(_head: Head, stored: Release) -> Release:
            return with_withdrawal(
                stored,
                ToldBy.UPSTREAM,
                upstream,
                public,
                is_final=withdrawal.is_final,
                now_ms=now_ms,
            )

        await self.package_records.change_release(release.coordinate, withheld)

    @retried_when_stale
    async def _put(self, gone: GoneRelease) -> None:
        """Store what is known of the release; a decision about the same facts stays."""
        known = await self.directory.get(GoneRelease, gone.place)
        if known is None:
            await self.directory.put(gone)
            return
        facts = ("is_stated", "why", "is_final", "is_followed")
        if any(getattr(known, each) != getattr(gone, each) for each in facts):
            await self.directory.replace(gone.model_copy(update={"revision": known.revision}))

    @retried_when_stale
    async def _forget(self, coordinate: Coordinate) -> None:
        known = await self.directory.get(GoneRelease, release_place(coordinate))
        if known is not None:
            await self.directory.remove(known)


class UpstreamFeeds(Struct, frozen=True):
    """Reads the change feeds of upstreams, and tells administrators what is gone there."""

    upstreams: Upstreams
    withdrawals: UpstreamWithdrawals
    directory: DirectoryStore
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str

    async def run(self, until_ms: int) -> TaskReport:
        """Read each feed from where the last run ended. An upstream without a feed, or that does
        not answer, is asked again in the next run."""
        seen = followed = 0
        for source in await self.upstreams.sources():
            number = (await self._feed(source)).number
            while self.clock.now_ms() < until_ms:
                changes, after = await self._read(source, number)
                seen += len(changes)
                for each in changes:
                    followed += await self.withdrawals.follow(source.name, each)
                if after <= number:
                    break
                number = after
                await self.directory.put(UpstreamFeed(upstream=source.name, number=number))
        await self._send_mail()
        return TaskReport(seen, followed)

    async def _feed(self, source: UpstreamSource) -> UpstreamFeed:
        none = UpstreamFeed(upstream=source.name)
        return await self.directory.get(UpstreamFeed, none.place) or none

    async def _read(
        self, source: UpstreamSource, number: int
    ) -> tuple[Sequence[UpstreamChange], int]:
        """Return the last change of each release in a part of the feed, and where it ends; nothing
        if there is no feed or no answer."""
        asked = source.with_token or source  # It also sees what is internal here.
        try:
            found = await asked.breaker.ask(
                "changes", lambda: asked.upstream.changes(number, CHANGES_AT_ONCE)
            )
        except Unanswered:
            return (), number  # It was logged.
        if found is None:
            return (), number
        last = {each.coordinate.key: each for each in found.changes}
        return tuple(last.values()), found.next

    async def _send_mail(self) -> None:
        """Send administrators one mail about all releases that they were not told of."""
        every = await all_entities(self.directory, GoneRelease)
        not_mailed = [each for each in every if not each.is_mailed]
        if not not_mailed:
            return
        lines = [_line(each) for each in not_mailed]
        mail = mail_text(
            "upstream-withdrew",
            count=f"{len(not_mailed):,}",
            releases=listed(lines, MOST_NAMED),
            page=f"{self.base_url}/manage/mirror",
        )
        now_ms = self.clock.now_ms()
        text = "\n".join(f"  {each}" for each in lines)  # As it is in keys of mail that was sent.
        await self.mail_delivery.send_once(
            f"gone:{sha256(text.encode()).hexdigest()}",
            await administrator_accounts(self.directory, now_ms),
            mail,
            until_ms=now_ms + MAIL_KEPT_FOR // MS,
        )
        for each in not_mailed:
            await self._mark_mailed(each.coordinate)

    @retried_when_stale
    async def _mark_mailed(self, coordinate: Coordinate) -> None:
        known = await self.directory.get(GoneRelease, release_place(coordinate))
        if known is not None and not known.is_mailed:
            await self.directory.replace(known.model_copy(update={"is_mailed": True}))


def _line(gone: GoneRelease) -> str:
    what = "quarantined here" if gone.is_followed else "still served here"
    return f"{gone.coordinate} ({gone.upstream}): {gone.reason_clause}; {what}"
