"""Mail about new releases: to the owners of what is published, and to those who decide on what
waits.

A push sends it at once. What no push sent is found in the feed of events: about a release whose
push ended before, and about one that was published later than it was pushed.
"""

from contextlib import suppress
from datetime import timedelta

from msgspec import Struct

from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Unavailable
from shared.domain.events import Event, package_stream
from shared.domain.packages import Head, Release
from shared.domain.release_states import State
from shared.domain.releases import is_held_by_scanner
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.ports.events import EventStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.runtime.background_tasks import BackgroundTasks
from shared.services.feed_position import FeedPosition, event_batches
from shared.services.mail_delivery import SENDING_TIME
from shared.services.organizations.typosquats import Typosquats
from shared.services.publishing.release_mail import PublishedMail, ReleaseMail

# Nobody is told of older events.
TOLD_FOR = timedelta(days=7)
# Events of a package that are read to find out whether a release was published before.
EARLIER_EVENTS = 200

_KIND = "new-release-mail"
_POSITION = "position"
_SENDING = "sending"
_SENT = "sent"

# The first event of a release, which may say that it waits.
_PUSHED = frozenset(
    {
        "release.published",
        "release.awaiting-owner",
        "release.awaiting-case",
        "release.awaiting-review",
        "release.awaiting-scan",
        "release.awaiting-sigstore",
    }
)
# They publish a release that waited, or one that was published before and held since.
_LET_GO = frozenset({"release.confirmed", "release.live", "release.owner-restored"})
# It waits for something else than before.
_WAITS_FURTHER = frozenset({"release.held"})
_PUBLISHING = frozenset({"release.published"}) | _LET_GO


class NewReleaseMail(Struct, frozen=True):
    """Sends the mail about each event of a new release once, whoever comes first to it. A process
    that ends while it sends leaves it to the next run, after `SENDING_TIME`."""

    events: EventStore
    metadata: MetadataStore
    work: WorkStore
    mail: ReleaseMail
    published_mail: PublishedMail
    typosquats: Typosquats
    background_tasks: BackgroundTasks
    clock: Clock

    async def send(self, head: Head, release: Release) -> None:
        """Send the mail about a release that was just pushed; the owners of one that is published
        get theirs in the background. What fails is left to the next run."""
        event = release.outbox[0]
        if not self._concerns_anybody(event, release):
            return
        sending = self._send_at_once(event, head, release)
        if release.state is State.LIVE and not release.warnings:
            self.background_tasks.start(sending)
        else:
            await sending

    async def close(self) -> None:
        """Wait for the mail that is being sent."""
        await self.background_tasks.close()

    async def run(self, until_ms: int) -> TaskReport:
        """Send the mail about events that nobody was told of, until that time; the next run
        continues with the rest.

        The first run begins at the end of the feed, as earlier versions sent the mail before it.
        """
        position = FeedPosition(self.work, self.clock, _KIND, _POSITION)
        stored = await position.load()
        if not stored:
            newest = await self.events.newest(None, 1)
            await position.save(str(newest[0][0] if newest else 0))
            return TaskReport(0, 0)
        number = int(stored)
        since_ms = self.clock.now_ms() - TOLD_FOR // MS
        waits_at: int | None = None  # The last event before the first one that is not done.
        seen = 0
        async for batch in event_batches(self.events, number, self.clock, until_ms):
            for each, event in batch:
                if event.kind in _PUSHED | _LET_GO | _WAITS_FURTHER and event.at_ms >= since_ms:
                    seen += 1
                    is_done = await self._follow(each, event)
                    waits_at = number if waits_at is None and not is_done else waits_at
                number = each
        read = number if waits_at is None else waits_at
        if str(read) != stored:
            await position.save(str(read))
        return TaskReport(seen, 0)

    async def _follow(self, number: int, event: Event) -> bool:
        """Send the mail about an event of the feed; return False if that has to be repeated."""
        found = await self.metadata.find(Coordinate.from_text(event.subject))
        head = found.head
        release = found.release
        if head is None or release is None or not self._concerns_anybody(event, release):
            return True
        if event.kind in _LET_GO and await self._was_published_before(number, event):
            return True
        try:
            return await self._send_once(event, head, release)
        except Unavailable:
            return False

    async def _was_published_before(self, number: int, event: Event) -> bool:
        coordinate = Coordinate.from_text(event.subject)
        log = package_stream(str(coordinate.package))
        earlier = await self.events.stream(log, number, EARLIER_EVENTS)
        return any(
            each.kind in _PUBLISHING and each.subject == event.subject for _, each in earlier
        )

    async def _send_at_once(self, event: Event, head: Head, release: Release) -> None:
        with suppress(Unavailable):
            await self._send_once(event, head, release)

    async def _send_once(self, event: Event, head: Head, release: Release) -> bool:
        """Send the mail unless it was sent; return False if that has to be repeated."""
        now_ms = self.clock.now_ms()
        ends_ms = now_ms + SENDING_TIME // MS
        if not await self.work.claim(_KIND, event.id, _SENDING, expires_ms=ends_ms, now_ms=now_ms):
            return await self.work.peek(_KIND, event.id, now_ms) == _SENT
        if not await self._send(event, head, release):
            return False
        await self.work.put(_KIND, event.id, _SENT, now_ms + TOLD_FOR // MS)
        return True

    def _concerns_anybody(self, event: Event, release: Release) -> bool:
        """Check whether an event of a release, in its state of now, is one to send mail about."""
        if release.upstream is not None:
            return False
        if event.kind in _PUSHED and release.warnings:
            return True
        if release.state is State.LIVE:
            return self.published_mail.is_on
        waits_for_people = release.is_held_for_owner or release.is_held_for_review
        return waits_for_people or release.is_held_for_package or is_held_by_scanner(release)

    async def _send(self, event: Event, head: Head, release: Release) -> bool:
        """Send what there is to say of the release now; return False if a store is away."""
        is_sent = True
        if release.state is State.LIVE and self.published_mail.is_on:
            is_sent &= await self.published_mail.send(release)
        if release.is_held_for_owner:
            is_sent &= await self.mail.send_held(release)
        if release.is_held_for_package:
            await self.typosquats.send_mail(head)
        if is_held_by_scanner(release):
            is_sent &= await self.mail.send_held_by_scanner(release)
        if release.is_held_for_review:
            is_sent &= await self.mail.send_review_wanted(release)
        if event.kind in _PUSHED and release.warnings:
            is_sent &= await self.mail.send_warnings(
                release, [each.message for each in release.warnings]
            )
        return is_sent
