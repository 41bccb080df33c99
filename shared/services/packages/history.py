"""The history of a package as one list: releases, deprecations, visibility, trusted publishers, and
the roles of people who publish."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.domain.access_rights import AccessContext
from shared.domain.coordinates import Package
from shared.domain.errors.packages import PackageNotFound
from shared.domain.event_queries import EventQuery
from shared.domain.events import Event, package_stream, publishing_stream
from shared.domain.organizations import Organization
from shared.domain.package_history import HistoryEntry
from shared.domain.packages import Head
from shared.domain.principals import Principal
from shared.ports.directory import DirectoryStore
from shared.ports.events import EventReader
from shared.services.event_pages import NumberedEvent, page_of_events
from shared.services.identity.accounts import account_names
from shared.services.packages.hosted_packages import HostedPackages

# Events of one log that a page reads, including events that only members may read.
MAX_EVENTS_READ = 1_000


class HistoryPage(Struct, frozen=True):
    """Changes of a package, newest first; `next` is the `before` of the next page, None at the end.

    `names` are the names of accounts by id; they are empty if the reader is not a member.
    """

    entries: tuple[HistoryEntry, ...]
    next: int | None
    is_for_members: bool
    names: Mapping[str, str]
    organization: Organization | None = None  # For members.


class PackageHistory(Struct, frozen=True):
    """Reads the history of a package: everything for members of its organization, releases and
    deprecations for everybody who sees it.

    A page reads a bounded number of events from two logs, however long they are.
    """

    authorization: Authorization
    hosted: HostedPackages
    directory: DirectoryStore
    events: EventReader

    async def of_package(
        self, package: Package, query: EventQuery, *, by: Principal
    ) -> HistoryPage:
        """Return the page that `before` and `count` of the query ask for; raise `PackageNotFound`.

        Members also read that of a package whose releases are all held.
        """
        access = await self.authorization.access_of_member(by, package)
        survey = await self.hosted.visible_package(package, by=by)
        if survey is None or not (access or survey.is_known):
            raise PackageNotFound(package)
        return await self._page(survey.head, query, access)

    async def of_head(self, head: Head, query: EventQuery, *, by: Principal) -> HistoryPage:
        """Return the page of a package that the caller is known to see."""
        access = await self.authorization.access_of_member(by, head.package)
        return await self._page(head, query, access)

    async def _page(
        self, head: Head, query: EventQuery, access: AccessContext | None
    ) -> HistoryPage:
        package_log = package_stream(str(head.package))
        if access is None:
            found, next_ = await self._read([package_log], _is_for_others, query)
            shown = (HistoryEntry.for_others(*each) for each in found)
            return HistoryPage(tuple(filter(None, shown)), next_, is_for_members=False, names={})
        # Earlier events belong to a deleted organization of the same name.
        since_ms = access.organization.created_ms if access.organization else 0
        logs = [package_log, publishing_stream(head.org)]
        is_after_creation = partial(_is_of_package, created_ms=head.created_ms)
        found, next_ = await self._read(logs, is_after_creation, query, since_ms)
        entries = tuple(HistoryEntry.for_members(*each) for each in found)
        people = {each for entry in entries for each in (entry.event.actor, entry.account)}
        names = await account_names(self.directory, people)
        return HistoryPage(entries, next_, True, names, access.organization)

    async def _read(
        self,
        logs: Sequence[str],
        matches: Callable[[Event], bool],
        query: EventQuery,
        since_ms: int = 0,
    ) -> tuple[list[NumberedEvent], int | None]:
        return await page_of_events(
            partial(self._newest, logs),
            matches,
            before=query.before,
            count=query.count,
            most_read=MAX_EVENTS_READ,
            since_ms=since_ms,
        )

    async def _newest(
        self, logs: Sequence[str], before: int | None, count: int
    ) -> list[NumberedEvent]:
        """Return the newest events of all logs together."""
        found = await asyncio.gather(*(self.events.stream(log, before, count) for log in logs))
        together = [each for log in found for each in log]
        return sorted(together, key=lambda each: -each[0])[:count]


def _is_for_others(event: Event) -> bool:
    return HistoryEntry.for_others(0, event) is not None


def _is_of_package(event: Event, created_ms: int) -> bool:
    """Check whether the event is about the package, or changed a role since the package exists."""
    is_about_roles = event.kind.startswith(("member.", "owner."))
    return not is_about_roles or event.at_ms > created_ms
