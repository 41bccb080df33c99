"""Notices about withdrawn dependencies: an event and mail for the owners of direct dependents.

A dependent is a package whose latest release was built with the withdrawn version. Everything may
be repeated: an event has one id, and mail is sent once.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.domain.accounts import Account
from shared.domain.coordinates import Coordinate
from shared.domain.events import Event
from shared.domain.grants import UNLIMITED
from shared.domain.mirror_rules import is_withheld_by_rules
from shared.domain.packages import Head, Release
from shared.domain.principals import MAINTENANCE, OPERATOR, Principal
from shared.domain.release_states import SERVABLE, State
from shared.domain.search import Query, ResultPage, Sort
from shared.domain.sentences import listed
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.domain.visibility import Visibility
from shared.domain.withdrawals import withdrawal_of, withdrawal_text
from shared.ports.directory import DirectoryStore
from shared.ports.events import EventReader
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.services.event_appender import EventAppender
from shared.services.feed_position import FeedPosition, event_batches
from shared.services.identity.accounts import unlocked_owners
from shared.services.mail_delivery import (
    MAX_LISTED,
    NOTICE_MAIL_KEPT_FOR,
    MailDelivery,
    mail_text,
    reason_text,
)
from shared.services.packages.search import PackageSearch
from shared.services.record_batches import DEPENDENTS_READ_AT_ONCE

# Nobody is told about older withdrawals, for example after an upgrade.
TOLD_FOR = timedelta(days=7)
MAILS_IN_A_RUN = 500  # The next runs send the rest.

_KIND = "dependency-notices"
_KEY = "number"
_WITHDRAWALS = {f"release.{each.value}": each for each in (State.QUARANTINED, State.REMOVED)}
_SERVABLE = {each.value for each in SERVABLE}


class _Dependent(Struct, frozen=True):
    """A package that depends on a withdrawn release, and those of its owners who may see that
    release."""

    release: Release
    owners: tuple[Account, ...]


class _Notified(Struct):
    """How many withdrawals a run read, and what it sent."""

    seen: int = 0  # Withdrawals.
    events: int = 0
    mails: int = 0

    @property
    def is_full(self) -> bool:
        return self.mails >= MAILS_IN_A_RUN


class DependencyNotices(Struct, frozen=True):
    """Follows the feed of events, one withdrawal after the other, in batches."""

    events: EventReader
    event_appender: EventAppender
    metadata: MetadataStore
    directory: DirectoryStore
    work: WorkStore
    search: PackageSearch
    authorization: Authorization
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str

    async def run(self, until_ms: int) -> TaskReport:
        """Tell owners about withdrawals until that time; the next run continues with the rest."""
        position = FeedPosition(self.work, self.clock, _KIND, _KEY)
        began = await position.load_number()
        notified = _Notified()
        number = await self._follow(began, notified, until_ms)
        if number != began:
            await position.save(str(number))
        return TaskReport(notified.seen, notified.events + notified.mails)

    async def _follow(self, number: int, notified: _Notified, until_ms: int) -> int:
        """Read the events after a number; return the number of the last one that needs no other
        run."""
        since_ms = self.clock.now_ms() - TOLD_FOR // MS
        async for batch in event_batches(self.events, number, self.clock, until_ms):
            for each, event in batch:
                if _is_withdrawal(event) and event.at_ms >= since_ms:
                    notified.seen += 1
                    if not await self._notify_owners(event, notified, until_ms):
                        return number
                number = each
        return number

    async def _notify_owners(self, event: Event, notified: _Notified, until_ms: int) -> bool:
        """Tell owners about one withdrawal; return whether all of them were notified."""
        coordinate = Coordinate.from_text(event.subject)
        found = await self.metadata.find(coordinate)
        head = found.head
        release = found.release
        if head is None or release is None or not release.is_withdrawn:
            return True  # It is served again.
        if is_withheld_by_rules(release):
            return True
        by_owner = dict[str, tuple[Account, list[str]]]()
        async for batch in self._dependents(head, coordinate):
            await self.event_appender.append(
                [_notice(event, release, each.release) for each in batch]
            )
            notified.events += len(batch)
            for each in batch:
                name = str(each.release.coordinate)
                for owner in each.owners:
                    by_owner.setdefault(owner.id, (owner, []))[1].append(name)
        if event.details.get("state_before") not in _SERVABLE:
            return True  # A quarantined release was removed: owners know it already.
        for _, (owner, names) in sorted(by_owner.items()):
            if notified.is_full or self.clock.now_ms() >= until_ms:
                return False
            notified.mails += await self._send_mail(event.id, release, owner, names)
        return True

    async def _dependents(
        self, head: Head, coordinate: Coordinate
    ) -> AsyncIterator[Sequence[_Dependent]]:
        """Yield the packages of this registry whose latest release was built with the version, in
        batches, without those whose owners may not see the withdrawn package."""
        query = Query(depends_on=head.key, include_deprecated=True, stored_only=True)
        offset = 0
        count = 1
        while offset < count:
            page = ResultPage(offset=offset, limit=DEPENDENTS_READ_AT_ONCE, sort=Sort.NAME)
            found = await self.search.search(query, page, by=OPERATOR)
            of_ours = (e.listing.release for e in found.hits if not e.listing.head.upstream)
            batch = [e for e in of_ours if _depends_on(e, coordinate)]
            dependents = [await self._dependent(each, head) for each in batch]
            yield [each for each in dependents if each is not None]
            offset += DEPENDENTS_READ_AT_ONCE
            count = found.count

    async def _dependent(self, release: Release, withdrawn: Head) -> _Dependent | None:
        """Return the dependent with its owners who are not locked; None if one of them may not see
        the package."""
        owners = await unlocked_owners(self.directory, release.org, self.clock.now_ms())
        is_own = release.org.lower() == withdrawn.org.lower()
        if withdrawn.visibility is not Visibility.PUBLIC and not is_own:
            for each in owners:
                reader = Principal(each.id, "session", (UNLIMITED,))
                access = await self.authorization.private_access(reader)
                if not access.covers(withdrawn):
                    return None
            if not owners:
                return None
        return _Dependent(release, tuple(owners))

    async def _send_mail(
        self, withdrawal: str, release: Release, owner: Account, dependents: Sequence[str]
    ) -> int:
        """Send mail to the owner, once for a withdrawal; return how many were sent."""
        now_ms = self.clock.now_ms()
        at = release.coordinate
        mail = mail_text(
            "dependency-withdrawn",
            release=str(at),
            reason=reason_text(withdrawal_text(withdrawal_of(release))),
            dependents=listed(dependents, MAX_LISTED),
            page=f"{self.base_url}/packages/{at.package}/{at.version}",
        )
        return await self.mail_delivery.send_once(
            f"dependency:{withdrawal}",
            [owner],
            mail,
            until_ms=now_ms + NOTICE_MAIL_KEPT_FOR // MS,
        )


def _is_withdrawal(event: Event) -> bool:
    """Check whether a release was withdrawn, and not only its reason changed."""
    state = _WITHDRAWALS.get(event.kind)
    return state is not None and event.details.get("state_before") != state.value


def _depends_on(release: Release, coordinate: Coordinate) -> bool:
    package = coordinate.package
    version = coordinate.version.text
    return any(
        f"{each.org}/{each.name}".lower() == package.key and each.version == version
        for each in release.dependencies
    )


def _notice(cause: Event, withdrawn: Release, dependent: Release) -> Event:
    """Return the event for the owners of a dependent; a repeat has the same id."""
    public = withdrawal_of(withdrawn)
    at = dependent.coordinate
    return Event(
        id=f"{cause.id}>{at.package.key}",
        kind="dependency.withdrawn",
        at_ms=cause.at_ms,
        actor=MAINTENANCE.id,
        subject=str(at),
        org=at.package.org.lower(),
        details={
            "dependency": str(withdrawn.coordinate),
            "reason": public.why,
            "permanent": "true" if public.is_final else "false",
            "digest": f"sha-256={public.digest}",
        },
    )
