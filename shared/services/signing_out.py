"""Signing out: the sessions of an account, and their end."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from shared.auth.session import CREDENTIAL
from shared.domain.entity import Place
from shared.domain.errors import CredentialsMissing, NotPermitted
from shared.domain.identity import Principal
from shared.domain.rights import Scope
from shared.domain.sessions import Session
from shared.domain.sign_in_errors import SessionNotFound
from shared.domain.sign_in_letters import session_copied
from shared.ports import Clock, DirectoryStore, Stale
from shared.services.changing import until_fresh
from shared.services.noticing import Noticing
from shared.services.recording import Change, Recording


@dataclass(frozen=True, slots=True)
class SigningOut:
    """Lists and ends sessions; everybody has their own alone."""

    directory: DirectoryStore
    recording: Recording
    clock: Clock
    noticing: Noticing

    async def sessions(self, *, by: Principal) -> list[Session]:
        """Return the sessions that are not over, those that were used last first."""
        check_own("list", "sessions", by)
        return live(await self.directory.of(Session, by.id), self.clock.now_ms())

    async def end(self, session_id: str, *, by: Principal) -> Session:
        """End a session everywhere within five seconds, or raise `SessionNotFound`."""
        check_own("end", "sessions", by)
        return await until_fresh(lambda: self._end(Place(by.id, session_id), by))

    async def end_every(self, account_id: str, *, by: Principal) -> list[Session]:
        """End every session of an account; whether `by` may is for the services that call it."""
        ended: list[Session] = []
        for each in await self.directory.of(Session, account_id):
            with suppress(SessionNotFound):  # Its owner was faster.
                ended.append(await until_fresh(partial(self._end, each.place, by)))
        return ended

    async def sign_out(self, *, by: Principal) -> Session | None:
        """End the session of the request; None where it was over already."""
        if not by.credential.startswith(CREDENTIAL):
            return None
        try:
            return await self.end(by.credential.removeprefix(CREDENTIAL), by=by)
        except SessionNotFound:
            return None

    async def copied(self, session: Session) -> None:
        """End a session whose cookie is in two places, and tell whose it is."""
        by = Principal(session.account, f"{CREDENTIAL}{session.id}")
        change = Change("session.copied", session.id, account=session.account)
        try:
            await self.recording.remove(session, change=change, by=by)
        except Stale:
            return  # It changes or ends right now; the next request of the copy finds it again.
        self.noticing.tell(session.account, session_copied)

    async def _end(self, place: Place, by: Principal) -> Session:
        session = await self.directory.get(Session, place)
        if session is None:
            raise SessionNotFound(place.key)
        details = {"agent": session.agent, "from": session.address}
        change = Change("session.ended", session.id, account=place.owner, details=details)
        return await self.recording.remove(session, change=change, by=by)


def live(sessions: Iterable[Session], now_ms: int) -> list[Session]:
    """Return the sessions that are not over, those that were used last first."""
    found = [each for each in sessions if each.ends_ms > now_ms]
    return sorted(found, key=lambda session: -session.seen_ms)


def check_own(verb: str, what: str, by: Principal) -> None:
    """Raise unless the request may look after the account that makes it."""
    if by.is_anonymous:
        raise CredentialsMissing
    if not any(Scope.MANAGE in grant.scopes for grant in by.grants):
        raise NotPermitted(verb, what, "the token lacks the scope manage for it")
