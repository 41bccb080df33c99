"""The newest changes of packages, for readers of Atom feeds."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.domain.approved_packages import ApprovalLimit
from shared.domain.change_feed import PackageChange, package_change
from shared.domain.coordinates import Package
from shared.domain.errors.packages import PackageNotFound
from shared.domain.events import Event, org_stream, package_stream
from shared.domain.names import OrgName
from shared.domain.packages import Survey
from shared.domain.principals import Principal
from shared.ports.events import EventReader
from shared.ports.metadata import MetadataStore
from shared.services.event_pages import ReadEvents
from shared.services.record_batches import LOG_EVENTS_READ_AT_ONCE

MAX_ENTRIES = 50  # Programs that read feeds ask every hour.
MAX_EVENTS_READ = 1_000  # For one feed, including events that its reader may not see.


class FeedEntry(Struct, frozen=True):
    """A change, the id of its event, and why: the message of a deprecation, or the public reason of
    a withdrawal."""

    change: PackageChange
    event: str
    message: str


class ChangeFeeds(Struct, frozen=True):
    """Reads the newest changes of packages that the caller may see, newest first.

    A feed has `MAX_ENTRIES` at most, from the last `MAX_EVENTS_READ` events of its log.
    """

    authorization: Authorization
    metadata: MetadataStore
    events: EventReader
    # What a caller may take of other registries; None: everything.
    limit_of: Callable[[Principal], Awaitable[ApprovalLimit | None]]

    async def of_registry(self, *, by: Principal) -> list[FeedEntry]:
        return await self._newest(self.events.newest, by)

    async def of_organization(self, org: OrgName, *, by: Principal) -> list[FeedEntry]:
        """Return the changes of those packages of an organization that the caller may see."""
        return await self._newest(partial(self.events.stream, org_stream(org.lower())), by)

    async def of_package(self, package: Package, *, by: Principal) -> list[FeedEntry]:
        """Return the changes of a package; raise `PackageNotFound`."""
        survey = (await self._visible([package], by)).get(package.key)
        limit = await self.limit_of(by)
        if survey is None or not survey.is_known or (limit and not limit.shows(survey.head)):
            raise PackageNotFound(package)
        return await self._newest(partial(self.events.stream, package_stream(str(package))), by)

    async def _newest(self, read: ReadEvents, by: Principal) -> list[FeedEntry]:
        entries = list[FeedEntry]()
        before: int | None = None
        for _ in range(MAX_EVENTS_READ // LOG_EVENTS_READ_AT_ONCE):
            batch = await read(before, LOG_EVENTS_READ_AT_ONCE)
            entries += await self._entries(batch, by)
            if len(entries) >= MAX_ENTRIES or len(batch) < LOG_EVENTS_READ_AT_ONCE:
                break
            before = batch[-1][0]
        return entries[:MAX_ENTRIES]

    async def _entries(self, events: Sequence[tuple[int, Event]], by: Principal) -> list[FeedEntry]:
        entries = [
            FeedEntry(change, event.id, _message(event))
            for number, event in events
            if (change := package_change(number, event))
        ]
        packages = {each.change.package.key: each.change.package for each in entries}
        visible = await self._visible(list(packages.values()), by)
        limit = await self.limit_of(by)
        return [
            each
            for each in entries
            if (survey := visible.get(each.change.package.key))
            if limit is None or limit.tells(each.change, survey.head)
        ]

    async def _visible(self, packages: Sequence[Package], by: Principal) -> dict[str, Survey]:
        """Return the packages that the caller may see, by their keys. The store is read even for an
        empty list, so that the time of an answer does not reveal hidden packages."""
        surveys = await self.metadata.survey(packages)
        access = await self.authorization.private_access(by)
        return {each.head.key: each for each in surveys if each and access.covers(each.head)}


def _message(event: Event) -> str:
    return event.details.get("deprecation", "") or event.details.get("public_reason", "")
