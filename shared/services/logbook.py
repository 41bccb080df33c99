"""Reading the logs: what happened in an organization, and to one's own account."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from shared.auth.administration import Administration
from shared.auth.authorization import Authorization
from shared.domain.errors import CredentialsMissing, NotPermitted
from shared.domain.identity import Principal
from shared.domain.logs import LogQuery
from shared.domain.names import OrgName
from shared.domain.package import Event, Release, account_stream, org_stream
from shared.domain.rights import Action, Scope
from shared.ports import DirectoryStore, EventStore
from shared.services.finding import ID_PREFIX, account_typed, names_of

READ_AT_ONCE = 200
LOOKED_AT = 2_000  # Events that one page looks at, so that a rare kind costs no more than any.


@dataclass(frozen=True, slots=True)
class LogPage:
    """Events with their numbers, newest first; `next` is where older ones begin, if there are."""

    events: tuple[tuple[int, Event], ...]
    names: Mapping[str, str]  # Of the accounts that acted, or that it was about, by id.
    next: int | None


@dataclass(frozen=True, slots=True)
class Logbook:
    """Shows the log of an organization to its owners, and everybody their own.

    Administrators see those of all.
    """

    events: EventStore
    directory: DirectoryStore
    authorization: Authorization
    administration: Administration

    async def of_organization(self, org: OrgName, query: LogQuery, *, by: Principal) -> LogPage:
        """Return a page of the organization's log; owners may ask."""
        standing = await self.authorization.require(by, Action.MANAGE, org)
        # Whoever founds an organization anew reads nothing of the one before it.
        founded_ms = standing.organization.created_ms if standing.organization else 0
        query = replace(query, since_ms=max(query.since_ms, founded_ms))
        return await self._page(org_stream(org.lower()), query)

    async def of_release(
        self, release: Release, before: int | None = None, *, by: Principal
    ) -> LogPage:
        """Return what the log of its organization says of a release since its publication."""
        coordinate = release.coordinate
        await self.administration.require(by, "read", f"the log of {coordinate}")
        subject = str(coordinate).lower()
        query = LogQuery(before=before, subject=subject, since_ms=release.created_ms)
        return await self._page(org_stream(release.org.lower()), query)

    async def of_account(self, query: LogQuery, *, by: Principal) -> LogPage:
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

    async def actor(self, name: str) -> str:
        """Return what events call somebody whose name was typed; the text itself where nobody has
        it, which may be an id."""
        account = await account_typed(self.directory, name) if name else None
        return account.id if account else name.removeprefix(ID_PREFIX)

    async def of_somebody(self, account_id: str, query: LogQuery, *, by: Principal) -> LogPage:
        """Return a page of the log of an account; administrators may ask."""
        await self.administration.require(by, "read", "the log of another account")
        return await self._page(account_stream(account_id), query)

    async def _page(self, stream: str, query: LogQuery) -> LogPage:
        wanted: list[tuple[int, Event]] = []
        before, looked = query.before, 0
        while looked < LOOKED_AT:
            batch = await self.events.stream(stream, before, READ_AT_ONCE)
            for number, event in batch:
                if query.wants(event):
                    wanted.append((number, event))
                if len(wanted) == query.count:
                    return await self._named(wanted, number)
            if len(batch) < READ_AT_ONCE or batch[-1][1].at_ms < query.since_ms:
                return await self._named(wanted, None)
            before, looked = batch[-1][0], looked + len(batch)
        return await self._named(wanted, before)

    async def _named(self, wanted: list[tuple[int, Event]], next_: int | None) -> LogPage:
        concerned = {each for _, event in wanted for each in (event.actor, event.account)}
        names = await names_of(self.directory, concerned)
        return LogPage(tuple(wanted), names, next_)


def _as_told_to(account_id: str, event: Event) -> Event:
    """Return what an account may know of an event: where others are, and their tokens, not."""
    if event.actor == account_id:
        return event
    return event.model_copy(update={"address": "", "credential": ""})
