"""Mail to followers, in two steps that a push does not wait for: what happened is added to what
waits for each follower, and what is due is sent, as far as its reader may see it then.

Everything may be repeated: what waits names each thing once.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from enum import Enum
from hashlib import sha256

import msgspec
from msgspec import Struct

from shared.auth.authorization import Authorization, PrivatePackageAccess
from shared.domain.accounts import Account
from shared.domain.advisories.advisories import Advisory
from shared.domain.advisories.records import ADDED_ADVISORIES, MAX_ADDED_TOLD, OWNER, StoredAdvisory
from shared.domain.coordinates import Coordinate, Package
from shared.domain.entities import Place
from shared.domain.errors.base import Refusal
from shared.domain.events import Event
from shared.domain.following import (
    ADVISORIES,
    MAIL_EVERY,
    SET_OF_ADVISORIES,
    Follow,
    FollowerNews,
    News,
    Pace,
    ToldOf,
    WaitingNews,
    due_ms,
    followed_key,
    news_place,
    release_news,
)
from shared.domain.mail import MailText
from shared.domain.mirror_rules import is_withheld_by_rules
from shared.domain.release_states import State
from shared.domain.sentences import printable_line
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.domain.withdrawals import withdrawal_of, withdrawal_text
from shared.ports.directory import DirectoryStore
from shared.ports.events import EventReader
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.runtime.retries import retried_when_stale
from shared.services.advisories.advisories import Advisories
from shared.services.advisories.advisory_notices import reader_for
from shared.services.feed_position import FeedPosition
from shared.services.following.following import Following
from shared.services.identity.accounts import accounts_by_ids
from shared.services.mail_delivery import MailDelivery, mail_text
from shared.services.record_batches import EVENTS_READ_AT_ONCE, FOLLOWERS_READ_AT_ONCE

# Nobody gets mail about older events, for example after an upgrade, and mail that could not be sent
# until then is dropped.
TOLD_FOR = timedelta(days=7)
MAILS_IN_A_RUN = 500  # With those that the mail server refuses; the next runs send the rest.
LINES_IN_A_MAIL = 50

_KIND = "follower-mail"
_POSITION = "position"
_LAST = "last"
_LEAVE_PATH = "/account/following/leave"
_END_PATH = "/account/following/end"


class _Position(Struct):
    """Where a run goes on: the events until `until` are being told, and the followers up to the
    place `owner` and `account` have them; `number` is the last event that all followers have."""

    number: int = 0
    until: int = 0
    owner: str = ""
    account: str = ""


class _Outcome(Enum):
    """What became of news that were due."""

    SENT = "sent"
    REFUSED = "refused"
    FORGOTTEN = "forgotten"


class _Line(Struct, frozen=True):
    """News as a mail tells it."""

    news: WaitingNews
    text: str


class FollowerMail(Struct, frozen=True):
    """Tells followers what happened to what they follow."""

    events: EventReader
    metadata: MetadataStore
    directory: DirectoryStore
    work: WorkStore
    authorization: Authorization
    advisories: Advisories
    following: Following
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str

    async def run(self, until_ms: int) -> TaskReport:
        """Add new events to the waiting ones, and send the mail that is due at once."""
        collected = await self.collect(until_ms)
        sent = await self.send(Pace.AT_ONCE, until_ms)
        problems = (*collected.problems, *sent.problems)
        changed = collected.changed + sent.changed
        return TaskReport(collected.seen + sent.seen, changed, problems)

    async def collect(self, until_ms: int) -> TaskReport:
        """Add new events to what waits for their followers, until that time; a long run goes on
        where it stopped."""
        feed_position = FeedPosition(self.work, self.clock, _KIND, _POSITION)
        stored = await feed_position.load()
        position = msgspec.json.decode(stored, type=_Position) if stored else _Position()
        began = msgspec.json.encode(position)
        told = 0
        while self.clock.now_ms() < until_ms:
            events = await self.events.since(position.number, EVENTS_READ_AT_ONCE)
            if position.until > position.number:  # A run was interrupted among these followers.
                events = [each for each in events if each[0] <= position.until]
            if not events:
                break
            position.until = events[-1][0]
            by_followed = await self._news_of([event for _, event in events])
            added = await self._add_to_followers(by_followed, position, until_ms)
            told += added
            if position.owner:
                break
            position.number = position.until
        if msgspec.json.encode(position) != began:
            await feed_position.save(msgspec.json.encode(position).decode())
        return TaskReport(told, told, unfinished=bool(position.owner))

    async def _news_of(self, events: Sequence[Event]) -> dict[str, list[WaitingNews]]:
        """Return what to tell, by the owner of the followers."""
        since_ms = self.clock.now_ms() - TOLD_FOR // MS
        found = dict[str, list[WaitingNews]]()
        for event in events:
            if event.at_ms < since_ms:
                continue
            for each in await self._told_of(event):
                for followed in each.followed:
                    waiting = each.waiting(followed)
                    found.setdefault(followed_key(followed), []).append(waiting)
        return found

    async def _told_of(self, event: Event) -> Sequence[ToldOf]:
        if event.kind in ADVISORIES:
            return await self._advisory_news(event.subject)
        if event.kind == SET_OF_ADVISORIES:
            added = event.details.get(ADDED_ADVISORIES, "").split()[:MAX_ADDED_TOLD]
            return [news for each in added for news in await self._advisory_news(each)]
        news = release_news(event)
        return [news] if news else []

    async def _advisory_news(self, advisory_id: str) -> list[ToldOf]:
        advisory = await self._advisory(advisory_id)
        if advisory is None:
            return []
        try:
            packages = advisory.packages_of(self.advisories.ecosystem)
        except Refusal:  # An imported record may name anything.
            return []
        return [ToldOf(News.ADVISORY, str(each), each, advisory_id) for each in packages]

    async def _advisory(self, advisory_id: str) -> Advisory | None:
        """Return a live advisory: from its record, since the index that answers requests may be
        seconds behind, or of an imported set."""
        stored = await self.directory.get(StoredAdvisory, Place(OWNER, advisory_id))
        if stored is not None:
            return stored.advisory if stored.advisory.is_live else None
        indexed = (await self.advisories.index.current()).by_id.get(advisory_id)
        if indexed is None or not indexed.is_in_set or not indexed.is_live:
            return None
        return self.advisories.index.advisory(indexed)

    async def _add_to_followers(
        self, by_followed: dict[str, list[WaitingNews]], position: _Position, until_ms: int
    ) -> int:
        """Add the news to what waits for each follower, at least one; return for how many. If the
        time is over before the end, the position has an owner."""
        told = 0
        for owner, news in sorted(by_followed.items()):
            if owner < position.owner:
                continue
            after = Place(owner, position.account if owner == position.owner else "")
            async for follow in self._followers(after):
                await self._add(follow, news)
                told += 1
                position.owner = owner
                position.account = follow.account
                # Afterwards: a run that reads for longer than its time tells somebody, too.
                if self.clock.now_ms() >= until_ms:
                    return told
        position.owner = ""
        position.account = ""
        return told

    async def _followers(self, after: Place) -> AsyncIterator[Follow]:
        while True:
            batch = await self.directory.page_by_owner(Follow, after, FOLLOWERS_READ_AT_ONCE)
            for each in batch:
                yield each
            if len(batch) < FOLLOWERS_READ_AT_ONCE:
                return
            after = batch[-1].place

    @retried_when_stale
    async def _add(self, follow: Follow, news: Sequence[WaitingNews]) -> None:
        stored = await self.directory.get(FollowerNews, news_place(follow.pace, follow.account))
        if stored is not None:
            having = stored.having(news)
            if having != stored:
                await self.directory.replace(having)
            return
        now_ms = self.clock.now_ms()
        last = await self.work.peek(_KIND, f"{_LAST}:{follow.account}", now_ms)
        due = due_ms(follow.pace, now_ms, int(last or 0))
        new = FollowerNews(pace=follow.pace, account=follow.account, due_ms=due)
        await self.directory.add(new.having(news))

    async def send(self, pace: Pace, until_ms: int) -> TaskReport:
        """Send what is due, one mail to each account; the next run sends the rest."""
        seen = 0
        sent = 0
        tried = 0
        problems = list[str]()
        after = Place(pace.value)
        while batch := await self.directory.page_by_owner(
            FollowerNews, after, FOLLOWERS_READ_AT_ONCE
        ):
            for each in batch:
                now_ms = self.clock.now_ms()
                if now_ms >= until_ms or tried >= MAILS_IN_A_RUN:
                    return TaskReport(seen, sent, tuple(problems), unfinished=True)
                if not each.is_due(now_ms):
                    continue
                seen += 1
                try:
                    outcome = await self._send(each)
                    tried += outcome is not _Outcome.FORGOTTEN
                    sent += outcome is _Outcome.SENT
                # Only this account is affected; the others still get their mail.
                except Refusal as refusal:
                    problems.append(f"A follower was not told: {refusal}")
            after = batch[-1].place
        return TaskReport(seen, sent, tuple(problems))

    async def _send(self, waiting: FollowerNews) -> _Outcome:
        """Send a mail about what waits for an account, and forget it; what the mail server refuses
        is sent again later."""
        accounts = await accounts_by_ids(self.directory, [waiting.account])
        if not accounts or accounts[0].is_locked or not accounts[0].email:
            await self._forget(waiting)
            return _Outcome.FORGOTTEN
        account = accounts[0]
        lines = await self._lines(waiting, account)
        if not lines:
            await self._forget(waiting)
            return _Outcome.FORGOTTEN
        now_ms = self.clock.now_ms()
        key = _mail_key(waiting)
        if await self.mail_delivery.was_sent(key, account):
            await self._forget(waiting)  # By a run that ended before it could.
            return _Outcome.FORGOTTEN
        sent = await self.mail_delivery.send_once(
            key,
            [account],
            await self._mail(waiting, lines),
            until_ms=now_ms + TOLD_FOR // MS,
        )
        if not sent:
            await self._postpone(waiting)
            return _Outcome.REFUSED
        last = f"{_LAST}:{account.id}"
        await self.work.put(_KIND, last, str(now_ms), now_ms + MAIL_EVERY // MS)
        await self._forget(waiting)
        return _Outcome.SENT

    async def _postpone(self, refused: FollowerNews) -> None:
        """Send what was refused again later, or forget it: each attempt stores two links."""
        now_ms = self.clock.now_ms()
        if now_ms - refused.due_ms >= TOLD_FOR // MS:
            await self._forget(refused)
            return
        await self._retry_later(refused.place, now_ms)

    @retried_when_stale
    async def _retry_later(self, place: Place, now_ms: int) -> None:
        stored = await self.directory.get(FollowerNews, place)
        if stored is not None:
            await self.directory.replace(stored.refused(now_ms))

    @retried_when_stale
    async def _forget(self, told: FollowerNews) -> None:
        """Forget what was told. What was added meanwhile waits for the next mail."""
        stored = await self.directory.get(FollowerNews, told.place)
        if stored is None:
            return
        left = stored.without(told.waiting)
        if not left.waiting:
            await self.directory.remove(stored)
            return
        due = due_ms(told.pace, self.clock.now_ms(), self.clock.now_ms())
        await self.directory.replace(left.model_copy(update={"due_ms": due, "retry_ms": 0}))

    async def _lines(self, waiting: FollowerNews, account: Account) -> list[_Line]:
        """Return the lines about what the account still follows and may see, and what is still
        true."""
        access = await self.authorization.private_access(reader_for(account))
        follows = await self.following.of_account(account.id)
        followed = {each.followed.lower() for each in follows if each.pace is waiting.pace}
        found = list[_Line]()
        for each in waiting.waiting:
            if each.followed.lower() in followed:
                text = await self._text(each, access)
                found += [_Line(each, text)] if text else []
        return found

    async def _text(self, news: WaitingNews, access: PrivatePackageAccess) -> str:
        """Return the line about the news; empty if there is nothing to tell the reader now."""
        if news.news is News.ADVISORY:
            return await self._advisory_text(news, access)
        coordinate = Coordinate.from_text(news.subject)
        found = await self.metadata.find(coordinate)
        head = found.head
        release = found.release
        if head is None or release is None or not access.covers(head):
            return ""
        page = f"{self.base_url}/packages/{coordinate.package}/{coordinate.version}"
        if news.news is News.RELEASE:
            is_served = release.state is State.LIVE
            return f"New: {release.coordinate}\n  {page}" if is_served else ""
        if not release.is_withdrawn or is_withheld_by_rules(release):
            return ""
        why = printable_line(withdrawal_text(withdrawal_of(release)))
        return f"Withdrawn: {release.coordinate}{f'. {why}' if why else ''}\n  {page}"

    async def _advisory_text(self, news: WaitingNews, access: PrivatePackageAccess) -> str:
        org, _, name = news.subject.partition("/")
        head = await self.metadata.head(Package.parse(org, name))
        if head is None or not access.covers(head):
            return ""
        advisory = await self._advisory(news.advisory)
        if advisory is None or not await self.advisories.is_visible(advisory, access.by):
            return ""
        summary = f": {printable_line(advisory.summary)}" if advisory.summary else ""
        page = f"{self.base_url}/advisories/{advisory.id}"
        return f"Advisory {advisory.id} about {head.package}{summary}\n  {page}"

    async def _mail(self, waiting: FollowerNews, lines: Sequence[_Line]) -> MailText:
        told_of = tuple(dict.fromkeys(each.news.followed for each in lines))
        links = await self.following.new_links(waiting.account, waiting.pace, told_of)
        shown = [each.text for each in lines[:LINES_IN_A_MAIL]]
        more = len(lines) - len(shown) + waiting.more
        shown += [f"and {more:,} more"] if more else []
        mail = mail_text(
            "followed-news",
            subject=_subject(waiting.pace, lines),
            news="\n\n".join(shown),
            followed=", ".join(told_of),
            leave=f"{self.base_url}{_LEAVE_PATH}#{links.page}",
            page=f"{self.base_url}/account/following",
        )
        return mail._replace(unsubscribe=f"{self.base_url}{_END_PATH}/{links.one_click}")


def _mail_key(waiting: FollowerNews) -> str:
    """Return the key of the mail about exactly this; what is added makes another mail of it."""
    content = "\n".join(
        f"{each.news.value} {each.subject} {each.advisory}" for each in waiting.waiting
    )
    digest = sha256(content.encode()).hexdigest()[:16]
    return f"followed:{waiting.pace.value}:{waiting.due_ms}:{digest}"


def _subject(pace: Pace, lines: Sequence[_Line]) -> str:
    if pace is Pace.WEEKLY:
        return "Your week: what you follow"
    if len(lines) == 1:
        return lines[0].text.partition("\n")[0]
    return f"{len(lines):,} news of what you follow"
