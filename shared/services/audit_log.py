"""The audit log: events of an organization, of a release, and of an account."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from shared.auth.authorization import Administration, Authorization
from shared.domain.errors.identity import CredentialsMissing, NotPermitted
from shared.domain.events import EventQuery
from shared.domain.identity import Principal
from shared.domain.names import OrgName
from shared.domain.packages import Release
from shared.domain.records import Event, account_stream, org_stream
from shared.domain.rights import Action, Scope
from shared.ports import DirectoryStore, EventStore
from shared.services.accounts import ACCOUNT_ID_PREFIX, account_by_name_or_id, account_names

EVENTS_READ_AT_ONCE = 200
MAX_EVENTS_READ = (
    2_000  # Events that one page looks at, so that a rare kind costs no more than any.
)


@dataclass(frozen=True, slots=True)
class AuditLogPage:
    """Events with their numbers, newest first; `next` is where older ones begin, if there are."""

    events: tuple[tuple[int, Event], ...]
    names: Mapping[str, str]  # Of the accounts that acted, or that it was about, by id.
    next: int | None


@dataclass(frozen=True, slots=True)
class AuditLog:
    """Shows the log of an organization to its owners, and everybody their own.

    Administrators see those of all.
    """

    events: EventStore
    directory: DirectoryStore
    authorization: Authorization
    administration: Administration

    async def of_organization(
        self, org: OrgName, query: EventQuery, *, by: Principal
    ) -> AuditLogPage:
        """Return a page of the organization's log; owners may ask."""
        standing = await self.authorization.require(by, Action.MANAGE, org)
        # Whoever founds an organization anew reads nothing of the one before it.
        founded_ms = standing.organization.created_ms if standing.organization else 0
        query = replace(query, since_ms=max(query.since_ms, founded_ms))
        return await self._page(org_stream(org.lower()), query)

    async def of_release(
        self, release: Release, before: int | None = None, *, by: Principal
    ) -> AuditLogPage:
        """Return what the log of its organization says of a release since its publication."""
        coordinate = release.coordinate
        await self.administration.require(by, "read", f"the log of {coordinate}")
        subject = str(coordinate).lower()
        query = EventQuery(before=before, subject=subject, since_ms=release.created_ms)
        return await self._page(org_stream(release.org.lower()), query)

    async def of_account(self, query: EventQuery, *, by: Principal) -> AuditLogPage:
        """Return a page of the caller's own log, which no token reads that cannot manage: it says
        from where, and by what, its owner is seen. Of others it says who they are, and no more."""
        if by.is_anonymous:
            raise CredentialsMissing
        if not any(Scope.MANAGE in grant.scopes for grant in by.grants):
            reason = "the token lacks the scope manage for it"
            raise NotPermitted("read", "the log of your account", reason)
        page = await self._page(account_stream(by.id), query)
        events = tuple((number, _as_told_to(by.id, event)) for number, event in page.events)
        return replace(page, events=events)

    async def actor_id(self, name: str) -> str:
        """Return what events call somebody whose name was typed; the text itself where nobody has
        it, which may be an id."""
        account = await account_by_name_or_id(self.directory, name) if name else None
        return account.id if account else name.removeprefix(ACCOUNT_ID_PREFIX)

    async def of_other_account(
        self, account_id: str, query: EventQuery, *, by: Principal
    ) -> AuditLogPage:
        """Return a page of the log of an account; administrators may ask."""
        await self.administration.require(by, "read", "the log of another account")
        return await self._page(account_stream(account_id), query)

    async def _page(self, stream: str, query: EventQuery) -> AuditLogPage:
        wanted: list[tuple[int, Event]] = []
        before, looked = query.before, 0
        while looked < MAX_EVENTS_READ:
            batch = await self.events.stream(stream, before, EVENTS_READ_AT_ONCE)
            for number, event in batch:
                if query.matches(event):
                    wanted.append((number, event))
                if len(wanted) == query.count:
                    return await self._named(wanted, number)
            if len(batch) < EVENTS_READ_AT_ONCE or batch[-1][1].at_ms < query.since_ms:
                return await self._named(wanted, None)
            before, looked = batch[-1][0], looked + len(batch)
        return await self._named(wanted, before)

    async def _named(self, wanted: list[tuple[int, Event]], next_: int | None) -> AuditLogPage:
        concerned = {each for _, event in wanted for each in (event.actor, event.account)}
        names = await account_names(self.directory, concerned)
        return AuditLogPage(tuple(wanted), names, next_)


def _as_told_to(account_id: str, event: Event) -> Event:
    """Return what an account may know of an event: where others are, and their tokens, not."""
    if event.actor == account_id:
        return event
    return event.model_copy(update={"address": "", "credential": ""})
