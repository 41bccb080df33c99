"""The audit log: events of an organization, of a release, and of an account."""

from collections.abc import Mapping
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.authorization import Authorization
from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.access_rights import require_own_account
from shared.domain.event_queries import EventQuery
from shared.domain.events import Event, account_stream, org_stream
from shared.domain.names import OrgName
from shared.domain.packages import Release
from shared.domain.principals import Principal
from shared.domain.scopes import Action
from shared.ports.directory import DirectoryStore
from shared.ports.events import EventReader
from shared.services.event_pages import page_of_events
from shared.services.identity.accounts import (
    ACCOUNT_ID_PREFIX,
    account_by_name_or_id,
    account_names,
)

MAX_EVENTS_READ = 2_000  # Events read for one page, even if few of them match the filter.
FEED_READ_AT_ONCE = 500  # Events read at once for an export; some belong to other organizations.


class AuditLogPage(Struct, frozen=True):
    """Events with their numbers, newest first; `next` is the `before` of the next page."""

    events: tuple[tuple[int, Event], ...]
    names: Mapping[str, str]  # The names of the acting and the affected accounts, by id.
    next: int | None
    # Only in an export: the `after` of the next request; `next` is the same if there are more
    # events.
    cursor: int = 0


class AuditLog(Struct, frozen=True):
    """Reads audit logs: of an organization for its owners, of an account for its owner.

    Administrators read all.
    """

    events: EventReader
    directory: DirectoryStore
    authorization: Authorization
    registry_authorization: RegistryAuthorization

    async def of_organization(
        self, org: OrgName, query: EventQuery, *, by: Principal
    ) -> AuditLogPage:
        """Return a page of the organization's log, to owners only."""
        access = await self.authorization.require_to_read(by, Action.MANAGE, org)
        # Not the events of a deleted organization with the same name.
        created_ms = access.require_organization(org).created_ms
        query = replace(query, since_ms=max(query.since_ms, created_ms))
        return await self._page(org_stream(org.lower()), query)

    async def export(
        self, org: OrgName | None, query: EventQuery, *, by: Principal
    ) -> AuditLogPage:
        """Return the events after the number `query.after`: of an organization to its owners, of
        the whole registry to administrators and auditors.

        They are read from the feed: no event gets a number below one that somebody has read, which
        the logs do not promise. The cursor does not tell where events of others are: it is that of
        an event that is returned, or of the last one that was read.
        """
        if org is None:
            await self.registry_authorization.require_auditor(by, "read", "the log of the registry")
        else:
            access = await self.authorization.require_to_read(by, Action.MANAGE, org)
            created_ms = access.require_organization(org).created_ms
            query = replace(query, since_ms=max(query.since_ms, created_ms))
        cursor = query.after or 0
        matching = list[tuple[int, Event]]()
        is_more = True
        for _ in range(MAX_EVENTS_READ // FEED_READ_AT_ONCE):
            batch = await self.events.since(cursor, FEED_READ_AT_ONCE)
            matching = [
                (number, event)
                for number, event in batch
                if (org is None or event.org == org.lower()) and query.matches(event)
            ]
            is_more = len(batch) == FEED_READ_AT_ONCE
            if matching or not is_more:
                break
            cursor = batch[-1][0]
        if matching:
            is_more = is_more or len(matching) > query.count
            matching = matching[: query.count]
            cursor = matching[-1][0]
        page = await self._with_names(matching, cursor if is_more else None)
        return replace(page, cursor=cursor)

    async def of_release(
        self, release: Release, before: int | None = None, *, by: Principal
    ) -> AuditLogPage:
        """Return the events of a release since its publication, to administrators and
        auditors only."""
        coordinate = release.coordinate
        await self.registry_authorization.require_auditor(by, "read", f"the log of {coordinate}")
        subject = str(coordinate).lower()
        query = EventQuery(before=before, subject=subject, since_ms=release.created_ms)
        return await self._page(org_stream(release.org.lower()), query)

    async def of_account(self, query: EventQuery, *, by: Principal) -> AuditLogPage:
        """Return a page of the caller's own log.

        Of other accounts it contains neither addresses nor credentials.
        """
        require_own_account(by, "read", "the log of your account")
        page = await self._page(account_stream(by.id), query)
        events = tuple((number, _redacted_for(by.id, event)) for number, event in page.events)
        return replace(page, events=events)

    async def actor_id(self, name: str) -> str:
        """Return the id of the account with this name; the text itself where there is none."""
        account = await account_by_name_or_id(self.directory, name) if name else None
        return account.id if account else name.removeprefix(ACCOUNT_ID_PREFIX)

    async def of_other_account(
        self, account_id: str, query: EventQuery, *, by: Principal
    ) -> AuditLogPage:
        """Return a page of the log of an account, to administrators and auditors only."""
        await self.registry_authorization.require_auditor(by, "read", "the log of another account")
        return await self._page(account_stream(account_id), query)

    async def _page(self, stream: str, query: EventQuery) -> AuditLogPage:
        matching, next_ = await page_of_events(
            partial(self.events.stream, stream),
            query.matches,
            before=query.before,
            count=query.count,
            most_read=MAX_EVENTS_READ,
            since_ms=query.since_ms,
        )
        return await self._with_names(matching, next_)

    async def _with_names(
        self, matching: list[tuple[int, Event]], next_: int | None
    ) -> AuditLogPage:
        concerned = {each for _, event in matching for each in (event.actor, event.account)}
        names = await account_names(self.directory, concerned)
        return AuditLogPage(tuple(matching), names, next_)


def _redacted_for(account_id: str, event: Event) -> Event:
    """Return the event without address and credential, unless the account acted itself."""
    if event.actor == account_id:
        return event
    return event.model_copy(update={"address": "", "credential": ""})
