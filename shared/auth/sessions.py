"""Sessions of browsers, recognized by a cookie with a rotated secret."""

import asyncio
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Protocol

from msgspec import Struct

from shared.auth.cookies import Cookie
from shared.auth.identity_providers import VerifiedIdentity
from shared.auth.secrets import Secret, random_text
from shared.auth.signing_keys import SigningKeys
from shared.domain.accounts import Account
from shared.domain.entities import Place
from shared.domain.errors.base import Refusal, Unavailable
from shared.domain.grants import UNLIMITED
from shared.domain.principals import ANONYMOUS, Principal
from shared.domain.sessions import SecretState, Session
from shared.domain.sign_in import SignInPurpose
from shared.domain.staff import Staff
from shared.domain.times import MS
from shared.domain.tokens import hash_secret
from shared.ports.conflicts import Stale
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock, Randomness
from shared.runtime.lru_cache import LruCache

SESSION_CACHED_FOR = timedelta(seconds=3)  # An ended session is refused everywhere within five.
MAX_CACHED_SESSIONS = 10_000  # Per process; each takes about 1 KiB.
SESSION_ID_LENGTH = 12  # Base62 characters. Only the secret of the session has to be unguessable.
SESSION_SECRET_LENGTH = 32  # 190 bits, like a token.

SESSION_CREDENTIAL = "session:"  # Before the id of a session in events and logs.

_FORM = re.compile(
    rf"([0-9A-Za-z]{{10}})\.([0-9A-Za-z]{{{SESSION_ID_LENGTH}}})\.([0-9A-Za-z]{{{SESSION_SECRET_LENGTH}}})"
)

ReportCopiedCookie = Callable[[Session], Awaitable[None]]


class GroupRights(Protocol):
    """Stores what groups of identity providers give; raises `Unavailable` and `Busy`."""

    async def signed_in(self, verified: VerifiedIdentity) -> None:
        """Give the account of an identity what its provider said at a sign-in."""
        ...

    async def renew(self, account_id: str) -> bool:
        """Give an account what its providers say now, where one says it without a sign-in, and lock
        or unlock it where one says whether its person is enabled. Return False if it is locked
        now."""
        ...

    async def review(self, account_id: str) -> int:
        """Give an account what the rules say about its stored groups, without asking a provider,
        and send it mail once if any of it ends soon; return how many were sent."""
        ...


class SessionLifetimes(Struct, frozen=True):
    """How long a session lasts without use, and in total."""

    idle: timedelta
    whole: timedelta


class _CachedSession(Struct, frozen=True):
    """A session as it was read from the store, and whether its account is no staff."""

    session: Session
    is_guest: bool
    read_ms: int


class _SessionCookieValue(Struct, frozen=True):
    """The parsed value of a session cookie."""

    place: Place
    secret_hash: str


class AuthenticatedSession(Struct, frozen=True):
    """Who is signed in; `ANONYMOUS` without a valid cookie. `new_cookie` is the `Set-Cookie` value
    of a new secret."""

    principal: Principal
    new_cookie: Secret | None = None


NO_SESSION = AuthenticatedSession(ANONYMOUS)


class _SessionRefused(Exception):
    """The account of a session was locked at its renewal."""


class SessionAuthentication:
    """Identifies signed-in browsers; reads each session from the store at most every three
    seconds."""

    def __init__(
        self,
        directory: DirectoryStore,
        *,
        keys: SigningKeys,
        clock: Clock,
        randomness: Randomness,
        cookie: Cookie,
        require_strong: bool,
        staff: Staff,
        on_copied_cookie: ReportCopiedCookie,
        rights: GroupRights,
        on_delay: Callable[[Refusal], None],
    ) -> None:
        """Call `on_copied_cookie` for a session whose cookie was copied, and `on_delay` for a
        secret that could not be rotated."""
        self._directory = directory
        self._signer = keys.signer("csrf")
        self._clock = clock
        self._randomness = randomness
        self._cookie = cookie
        self._require_strong = require_strong
        self._staff = staff
        self._on_copied_cookie = on_copied_cookie
        self._rights = rights
        self._on_delay = on_delay
        self._cache = LruCache[str, _CachedSession](MAX_CACHED_SESSIONS)

    async def authenticate(self, headers: Mapping[str, str]) -> AuthenticatedSession:
        """Return who is signed in with the browser that sent these headers.

        Requests of pages of other origins have no session, although browsers may send the cookie:
        the Functions host responds to such a page whatever its origin.
        """
        cookie = _parse_cookie(self._cookie.read(headers))
        if cookie is None or self._cookie.is_sent_by_another_site(headers):
            return NO_SESSION
        found = await self._find(cookie)
        if found is None or found.session.ends_ms <= self._clock.now_ms():
            return NO_SESSION
        session = found.session
        await self._signer.ready()  # Pages of a session contain signatures.
        presented = session.secret_state(cookie.secret_hash, self._clock.now_ms())
        if presented is SecretState.COPIED:
            self.invalidate(session)
            await self._on_copied_cookie(session)
        if presented in (SecretState.COPIED, SecretState.UNKNOWN):
            return NO_SESSION
        try:
            new_cookie = await self._rotate_secret(session, presented, cookie.secret_hash)
        except _SessionRefused:
            return NO_SESSION
        return AuthenticatedSession(self._principal(found), new_cookie)

    def should_delete_cookie(self, headers: Mapping[str, str]) -> bool:
        """Check whether the browser sent a cookie without a session, which is to be deleted.

        A form of another site must not delete the cookie.
        """
        is_sent = bool(self._cookie.read(headers))
        return is_sent and not self._cookie.is_sent_by_another_site(headers)

    def new_secret(self) -> Secret:
        return Secret(random_text(self._randomness, SESSION_SECRET_LENGTH))

    def session_cookie(self, session: Session, secret: Secret) -> Secret:
        """Return the `Set-Cookie` value that signs a browser in."""
        lifetime = timedelta(milliseconds=session.expires_ms - self._clock.now_ms())
        return self._cookie.set(f"{session.account}.{session.id}.{secret.reveal()}", lifetime)

    def expired_cookie(self) -> Secret:
        """Return the `Set-Cookie` value that signs out."""
        return self._cookie.delete()

    def invalidate(self, session: Session) -> None:
        """Read the session from the store at its next use."""
        self._cache.drop(session.id)

    def csrf_token(self, by: Principal) -> str:
        """Return the token that our forms and scripts send, and pages of other sites cannot
        know."""
        return self._signer.sign(by.credential)

    def is_csrf_token_valid(self, by: Principal, text: str) -> bool:
        return by.credential.startswith(SESSION_CREDENTIAL) and self._signer.verify(
            by.credential, text
        )

    def ticket(self, by: Principal, purpose: SignInPurpose) -> str:
        """Return a signature for the address of a page, valid in this session for one purpose."""
        return self._signer.sign(_ticket(by, purpose))

    def is_ticket_valid(self, by: Principal, purpose: SignInPurpose, text: str) -> bool:
        return self._signer.verify(_ticket(by, purpose), text)

    async def _find(self, cookie: _SessionCookieValue) -> _CachedSession | None:
        now_ms = self._clock.monotonic_ms()
        cached = self._cache.get(cookie.place.key)
        if (
            cached is not None
            and now_ms - cached.read_ms < SESSION_CACHED_FOR // MS
            and _matches(cached, cookie)
        ):
            return cached
        session, account = await asyncio.gather(
            self._directory.get(Session, cookie.place),
            self._directory.get(Account, Place(cookie.place.owner)),
        )
        if session is None or account is None or account.is_locked:
            self._cache.drop(cookie.place.key)
            return None
        # The time before the read counts: an end during the read is seen three seconds later.
        is_guest = not self._staff.includes(account, self._clock.now_ms())
        found = _CachedSession(session, is_guest, now_ms)
        self._cache.put(session.id, found)
        return found

    async def _rotate_secret(
        self, session: Session, presented: SecretState, secret_hash: str
    ) -> Secret | None:
        """Replace the secret if it is time; return the cookie with the new one. Raises
        `_SessionRefused` for an account that is locked now."""
        now_ms = self._clock.now_ms()
        if session.needs_rotation(presented, now_ms):
            secret = self.new_secret()
            changed = session.with_new_secret(hash_secret(secret.reveal()), secret_hash, now_ms)
            if await self._try_replace(changed):
                await self._renew(session)
                return self.session_cookie(session, secret)
        elif session.needs_confirmation(presented):
            await self._try_replace(session.confirmed(now_ms))
        return None

    async def _try_replace(self, session: Session) -> bool:
        """Store the session; where that fails, another request will."""
        self.invalidate(session)
        try:
            await self._directory.replace(session)
        except Stale:
            return False
        except Unavailable as refusal:
            self._on_delay(refusal)
            return False
        return True

    async def _renew(self, session: Session) -> None:
        try:
            is_unlocked = await self._rights.renew(session.account)
        except Unavailable as refusal:
            self._on_delay(refusal)  # The next renewal repeats it.
            return
        if not is_unlocked:
            raise _SessionRefused

    def _permits_recent(self, session: Session) -> bool:
        return session.strong or not self._require_strong

    def _principal(self, found: _CachedSession) -> Principal:
        session = found.session
        return Principal(
            id=session.account,
            credential=f"{SESSION_CREDENTIAL}{session.id}",
            grants=(UNLIMITED,),
            signed_in_ms=session.signed_in_ms if self._permits_recent(session) else None,
            is_guest=found.is_guest,
        )


def _matches(cached: _CachedSession, cookie: _SessionCookieValue) -> bool:
    """Check whether the cached session has this place and secret."""
    matches = [hmac.compare_digest(each, cookie.secret_hash) for each in cached.session.secrets]
    return cached.session.place == cookie.place and any(matches)


def _ticket(by: Principal, purpose: SignInPurpose) -> str:
    return f"{purpose.value} {by.credential}"


def _parse_cookie(value: str) -> _SessionCookieValue | None:
    form = _FORM.fullmatch(value)
    if form is None:
        return None
    account, session, secret = form.groups()
    return _SessionCookieValue(Place(account, session), hash_secret(secret))
