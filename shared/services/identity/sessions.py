"""The sessions of an account: listing and ending them; and whether anybody has signed in yet."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from shared.auth.sessions import SESSION_CREDENTIAL
from shared.domain.access import require_own_account
from shared.domain.errors.base import Unavailable
from shared.domain.errors.identity import SessionNotFound
from shared.domain.identity import Principal
from shared.domain.mail import session_copied_mail
from shared.domain.records import Place
from shared.domain.sign_in import Session
from shared.ports import Clock, DirectoryStore, Stale
from shared.runtime.retries import retried_when_stale
from shared.services.identity.mail import AccountMail
from shared.services.records import EntityChange, RecordWriter


@dataclass(frozen=True, slots=True)
class Sessions:
    """Lists and ends the sessions of an account."""

    directory: DirectoryStore
    record_writer: RecordWriter
    clock: Clock
    account_mail: AccountMail

    async def list_own(self, *, by: Principal) -> list[Session]:
        """Return the live sessions of the account of `by`, the last used first."""
        require_own_account(by, "list", "sessions")
        return live_sessions(
            await self.directory.list_by_owner(Session, by.id), self.clock.now_ms()
        )

    async def end(self, session_id: str, *, by: Principal) -> Session:
        """End a session everywhere within five seconds, or raise `SessionNotFound`."""
        require_own_account(by, "end", "sessions")
        return await self._end(Place(by.id, session_id), by)

    async def end_all(self, account_id: str, *, by: Principal) -> list[Session]:
        """End all sessions of an account; callers check rights."""
        ended: list[Session] = []
        for each in await self.directory.list_by_owner(Session, account_id):
            with suppress(SessionNotFound):  # Its owner ended it meanwhile.
                ended.append(await self._end(each.place, by))
        return ended

    async def sign_out(self, *, by: Principal) -> Session | None:
        """End the session of the request; return None where it has ended already."""
        if not by.credential.startswith(SESSION_CREDENTIAL):
            return None
        try:
            return await self.end(by.credential.removeprefix(SESSION_CREDENTIAL), by=by)
        except SessionNotFound:
            return None

    async def end_copied(self, session: Session) -> None:
        """End a session whose cookie was copied, and send mail to its owner."""
        by = Principal(session.account, f"{SESSION_CREDENTIAL}{session.id}")
        change = EntityChange("session.copied", session.id, account=session.account)
        try:
            await self.record_writer.remove(session, change=change, by=by)
        except Stale:
            return  # It is changing; the next request with the copy ends it.
        self.account_mail.send(session.account, session_copied_mail)

    @retried_when_stale
    async def _end(self, place: Place, by: Principal) -> Session:
        session = await self.directory.get(Session, place)
        if session is None:
            raise SessionNotFound(place.key)
        details = {"agent": session.agent, "from": session.address}
        change = EntityChange("session.ended", session.id, account=place.owner, details=details)
        return await self.record_writer.remove(session, change=change, by=by)


def live_sessions(sessions: Iterable[Session], now_ms: int) -> list[Session]:
    """Return the live sessions, the last used first."""
    found = [each for each in sessions if each.ends_ms > now_ms]
    return sorted(found, key=lambda session: -session.seen_ms)


# --- The first sign-in ---------------------------------------------------------------------------

CHECK_MS = 5_000  # Between two reads while nobody has signed in.


@dataclass
class FirstSignIn:
    """Whether anybody has signed in to a registry on one machine, which its home page asks; reads
    the sessions until there is one.
    """

    directory: DirectoryStore
    clock: Clock
    _has_happened: bool = field(default=False, init=False)
    _next_check_ms: int | None = field(default=None, init=False)

    async def has_happened(self) -> bool:
        """Return whether there is a session, or has been one in the life of this process.

        The answer is true while the store is unavailable, so that nobody is sent to a log in vain.
        """
        now_ms = self.clock.monotonic_ms()
        is_due = self._next_check_ms is None or now_ms >= self._next_check_ms
        if not self._has_happened and is_due:
            try:
                found = await self.directory.list_all(Session, Place(""), 1)
            except Unavailable:
                return True
            self._has_happened = bool(found)
            self._next_check_ms = now_ms + CHECK_MS
        return self._has_happened
