"""Mail about new releases: to the owners of what is published, and to those who decide on what
waits.

A push sends it at once. What no push sent is found in the feed of events: about a release whose
push ended before, and about one that was published later than it was pushed.
"""

from collections.abc import Awaitable
from contextlib import suppress
from datetime import timedelta

import msgspec
from msgspec import Struct

from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Unavailable
from shared.domain.events import Event, package_stream
from shared.domain.mail import retry_ms
from shared.domain.packages import Head, Release
from shared.domain.release_states import State
from shared.domain.releases import is_held_by_scanner
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.ports.events import EventReader
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.runtime.background_tasks import BackgroundTasks
from shared.services.feed_position import FeedPosition, event_batches
from shared.services.mail_delivery import SENDING_TIME
from shared.services.organizations.typosquats import Typosquats
from shared.services.publishing.release_mail import PublishedMail, ReleaseMail
from shared.services.record_batches import EVENTS_READ_AT_ONCE

# Nobody gets mail about older events, and mail that could not be sent until then is dropped.
TOLD_FOR = timedelta(days=7)
# Events of a package that are read to find out whether a release was published before.
EARLIER_EVENTS = 200
# The first run of a registry begins at the events of this time.
FIRST_TOLD_FOR = timedelta(minutes=15)
# Events whose mail is repeated later. The one that has waited longest, and was tried most often,
# gives way to another one.
MAX_WAITING = 500

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
_PUBLISHED_LATER = frozenset({"release.confirmed", "release.live", "release.owner-restored"})
# It waits for something else than before.
_WAITS_FURTHER = frozenset({"release.held"})
_PUBLISHING = frozenset({"release.published"}) | _PUBLISHED_LATER


class _Position(Struct):
    """The number of the last event that was read, and which ones before it wait to be repeated:
    when, by their numbers."""

    number: int
    waiting: dict[int, int] = {}

    def due(self, now_ms: int) -> list[int]:
        return sorted(each for each, at_ms in self.waiting.items() if at_ms <= now_ms)

    def wait(self, number: int, at_ms: int) -> None:
        self.waiting[number] = at_ms
        if len(self.waiting) > MAX_WAITING:
            del self.waiting[min(self.waiting)]


class NewReleaseMail(Struct, frozen=True):
    """Sends the mail about each event of a new release once: the push or the run that claims the
    event first. If its process ends meanwhile, a run after `SENDING_TIME` sends the mail. What the
    mail server refuses is sent again less and less often; nothing else waits for it."""

    events: EventReader
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
        if release.state is State.LIVE and not release.warnings:
            self._start(self._send_once(event, head, release))
            return
        with suppress(Unavailable):
            if await self._claim(event):
                is_sent = await self._send_to_decide(event, head, release)
                if release.state is State.LIVE and self.published_mail.is_on:
                    self._start(self._finish(event, release, is_sent=is_sent))
                else:
                    await self._finish(event, release, is_sent=is_sent)

    async def close(self) -> None:
        """Wait for the mail that is being sent."""
        await self.background_tasks.close()

    async def run(self, until_ms: int) -> TaskReport:
        """Send the mail about events that nobody was told of, until that time; the next run
        continues with the rest. How far it came is stored after each batch of events."""
        feed_position = FeedPosition(self.work, self.clock, _KIND, _POSITION)
        stored = await feed_position.load()
        if stored:
            position = msgspec.json.decode(stored, type=_Position)
        else:
            position = _Position(await self._first_number())
        seen = 0
        async for batch in event_batches(self.events, position.number, self.clock, until_ms):
            for number, event in batch:
                if self._may_be_told(event):
                    seen += 1
                    await self._follow(position, number, event)
                position.number = number
                if self.clock.now_ms() >= until_ms:  # Each mail may take seconds.
                    break
            stored = await self._save(feed_position, position, stored)
        for number in position.due(self.clock.now_ms()):
            if self.clock.now_ms() >= until_ms:
                break
            seen += 1
            await self._repeat(position, number)
            stored = await self._save(feed_position, position, stored)
        await self._save(feed_position, position, stored)
        return TaskReport(seen, 0)

    async def _first_number(self) -> int:
        """Return the number before the events of the last minutes: an earlier version sent the mail
        about those before, and what a push of these minutes sent is not sent again."""
        since_ms = self.clock.now_ms() - FIRST_TOLD_FOR // MS
        before: int | None = None
        while batch := await self.events.newest(before, EVENTS_READ_AT_ONCE):
            for number, event in batch:
                if event.at_ms < since_ms:
                    return number
            before = batch[-1][0]
        return 0

    @staticmethod
    async def _save(feed_position: FeedPosition, position: _Position, stored: str) -> str:
        """Store the position unless it is stored; return it."""
        text = msgspec.json.encode(position).decode()
        if text != stored:
            await feed_position.save(text)
        return text

    def _may_be_told(self, event: Event) -> bool:
        since_ms = self.clock.now_ms() - TOLD_FOR // MS
        return event.kind in _PUSHED | _PUBLISHED_LATER | _WAITS_FURTHER and event.at_ms >= since_ms

    async def _repeat(self, position: _Position, number: int) -> None:
        """Send the mail about an event again that waits for it."""
        found = await self.events.since(number - 1, 1)
        del position.waiting[number]
        # An event that was deleted meanwhile is skipped.
        if found and found[0][0] == number and self._may_be_told(found[0][1]):
            await self._follow(position, number, found[0][1])

    async def _follow(self, position: _Position, number: int, event: Event) -> None:
        """Send the mail about an event of the feed; what could not be sent waits."""
        try:
            is_done = await self._tell(number, event)
        except Unavailable:
            is_done = False
        if not is_done:
            position.wait(number, retry_ms(event.at_ms, self.clock.now_ms(), SENDING_TIME))

    async def _tell(self, number: int, event: Event) -> bool:
        """Send the mail about an event of the feed; return False if that has to be repeated."""
        found = await self.metadata.find(Coordinate.from_text(event.subject))
        head = found.head
        release = found.release
        if head is None or release is None or not self._concerns_anybody(event, release):
            return True
        if event.kind in _PUBLISHED_LATER and await self._was_published_before(number, event):
            return True
        return await self._send_once(event, head, release)

    async def _was_published_before(self, number: int, event: Event) -> bool:
        coordinate = Coordinate.from_text(event.subject)
        log = package_stream(str(coordinate.package))
        earlier = await self.events.stream(log, number, EARLIER_EVENTS)
        return any(
            each.kind in _PUBLISHING and each.subject == event.subject for _, each in earlier
        )

    def _start(self, sending: Awaitable[bool]) -> None:
        """Send in the background; what a store or the mail server fails is left to the next run."""

        async def send() -> None:
            with suppress(Unavailable):
                await sending

        self.background_tasks.start(send())

    async def _send_once(self, event: Event, head: Head, release: Release) -> bool:
        """Send the mail unless it was sent; return False if that has to be repeated."""
        if not await self._claim(event):
            return await self.work.peek(_KIND, event.id, self.clock.now_ms()) == _SENT
        is_sent = await self._send_to_decide(event, head, release)
        return await self._finish(event, release, is_sent=is_sent)

    async def _claim(self, event: Event) -> bool:
        now_ms = self.clock.now_ms()
        ends_ms = now_ms + SENDING_TIME // MS
        return await self.work.claim(_KIND, event.id, _SENDING, expires_ms=ends_ms, now_ms=now_ms)

    async def _finish(self, event: Event, release: Release, *, is_sent: bool) -> bool:
        """Send the mail to all owners, and mark the event if all of its mail is sent; return
        whether it is."""
        if release.state is State.LIVE and self.published_mail.is_on:
            is_sent &= await self.published_mail.send(release)
        if is_sent:
            now_ms = self.clock.now_ms()
            await self.work.put(_KIND, event.id, _SENT, now_ms + TOLD_FOR // MS)
        return is_sent

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

    async def _send_to_decide(self, event: Event, head: Head, release: Release) -> bool:
        """Send the mail to those who decide on a release or are warned of it; return False if
        somebody was not sent it."""
        is_sent = True
        if release.is_held_for_owner:
            is_sent &= await self.mail.send_held(release)
        if release.is_held_for_package:
            is_sent &= await self.typosquats.send_mail(head)
        if is_held_by_scanner(release):
            is_sent &= await self.mail.send_held_by_scanner(release)
        if release.is_held_for_review:
            is_sent &= await self.mail.send_review_wanted(release)
        if event.kind in _PUSHED and release.warnings:
            is_sent &= await self.mail.send_warnings(
                release, [each.message for each in release.warnings]
            )
        return is_sent
