"""Sessions of browsers: recognized by a cookie whose secret changes, begun also by one-time
links.
"""

import asyncio
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from shared.auth.cookies import Cookie, send_cookie
from shared.auth.secrets import Secret, random_text
from shared.auth.signing_keys import SigningKeys
from shared.caching import LruCache
from shared.domain.accounts import Account
from shared.domain.errors.base import Refusal, Unavailable
from shared.domain.errors.identity import LinkExpired
from shared.domain.identity import ANONYMOUS, Principal
from shared.domain.records import Place
from shared.domain.rights import Grant
from shared.domain.secrets import hash_secret
from shared.domain.sign_in import SecretState, Session, SignInPurpose
from shared.ports import Clock, DirectoryStore, Randomness, Stale, WorkStore

SESSIONS_CACHED_FOR = timedelta(
    seconds=3
)  # A session that was ended is refused everywhere within five.
SESSIONS_REMEMBERED = 10_000  # Sessions that one process sees at a time; each takes about 1 KiB.
SESSION_ID_LENGTH = 12  # Base62; the secret beside it is what cannot be guessed.
SESSION_SECRET_LENGTH = 32  # 190 bits, like a token.

SESSION_CREDENTIAL = "session:"  # What events and the log call a session by, before its id.

_READ_FOR_MS = SESSIONS_CACHED_FOR // timedelta(milliseconds=1)
_FORM = re.compile(
    rf"([0-9A-Za-z]{{10}})\.([0-9A-Za-z]{{{SESSION_ID_LENGTH}}})\.([0-9A-Za-z]{{{SESSION_SECRET_LENGTH}}})"
)

ReportCopiedCookie = Callable[[Session], Awaitable[None]]


class SignInProof(Enum):
    """Which sign-in is good enough for what takes a fresh one."""

    ANY = "any"
    STRONG = "strong"  # One that cannot be phished.


@dataclass(frozen=True, slots=True)
class SessionLifetimes:
    """How long a session lasts: unused, and at all."""

    idle: timedelta
    whole: timedelta


@dataclass(frozen=True, slots=True)
class _Read:
    """A session as the store had it at that time."""

    session: Session
    read_ms: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a cookie says."""

    place: Place
    secret_hash: str


class Sessions:
    """Recognizes signed-in browsers; reads a session from its store at most every three seconds."""

    def __init__(
        self,
        directory: DirectoryStore,
        *,
        keys: SigningKeys,
        clock: Clock,
        randomness: Randomness,
        cookie: Cookie,
        proof: SignInProof,
        copied: ReportCopiedCookie,
        delayed: Callable[[Refusal], None],
    ) -> None:
        """Read from `directory`; tell `copied` of sessions whose cookie is in two places.

        `delayed` hears of a secret that could not be changed.
        """
        self._directory = directory
        self._signer = keys.signer("csrf")
        self._clock = clock
        self._randomness = randomness
        self._cookie = cookie
        self._proof = proof
        self._copied = copied
        self._delayed = delayed
        self._known = LruCache[_Read](SESSIONS_REMEMBERED)

    async def recognize(self, headers: Mapping[str, str]) -> Principal:
        """Return who is signed in; `ANONYMOUS` for no cookie, or one of no session.

        Now and then a new cookie leaves with the answer.
        """
        session = await self.session_of(headers)
        return ANONYMOUS if session is None else self._principal(session)

    async def session_of(self, headers: Mapping[str, str]) -> Session | None:
        """Return the session of the browser that sent these headers.

        What a page of another origin sends is of no session, although browsers may add the cookie:
        the host answers such a page whatever its origin.
        """
        asked = _asked(self._cookie.read(headers))
        if asked is None or self._cookie.is_sent_by_another_site(headers):
            return None
        session = await self._find(asked)
        if session is None or session.ends_ms <= self._clock.now_ms():
            return None
        await self._signer.ready()  # What a page in a session holds is signed.
        presented = session.presented(asked.secret_hash, self._clock.now_ms())
        if presented is SecretState.COPIED:
            self.invalidate(session)
            await self._copied(session)
        if presented in (SecretState.COPIED, SecretState.UNKNOWN):
            return None
        return await self._renewed(session, presented, asked.secret_hash)

    def should_delete_cookie(self, headers: Mapping[str, str]) -> bool:
        """Say whether the browser is to forget a cookie of no session that it sent.

        A form of another site comes without the cookie, and must not take it away.
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
        """Read the session anew when it is next asked for."""
        self._known.drop(session.id)

    def csrf_token(self, by: Principal) -> str:
        """Return what forms and scripts of ours send along, and pages of others cannot know."""
        return self._signer.sign(by.credential)

    def is_csrf_token_valid(self, by: Principal, text: str) -> bool:
        """Say whether a form comes from a page that was shown in this session."""
        return by.credential.startswith(SESSION_CREDENTIAL) and self._signer.verify(
            by.credential, text
        )

    def ticket(self, by: Principal, purpose: SignInPurpose) -> str:
        """Return what makes an address of ours good for this session and one purpose."""
        return self._signer.sign(_ticket(by, purpose))

    def is_ticket_valid(self, by: Principal, purpose: SignInPurpose, text: str) -> bool:
        """Say whether an address was made for this session, and not by somebody elsewhere."""
        return self._signer.verify(_ticket(by, purpose), text)

    async def _find(self, asked: _Asked) -> Session | None:
        now_ms = self._clock.monotonic_ms()
        known = self._known.get(asked.place.key)
        if known is not None and now_ms - known.read_ms < _READ_FOR_MS and _has(known, asked):
            return known.session
        session, account = await asyncio.gather(
            self._directory.get(Session, asked.place),
            self._directory.get(Account, Place(asked.place.owner)),
        )
        if session is None or account is None or account.is_locked:
            self._known.drop(asked.place.key)
            return None
        # The time from before the read counts: what ends during it is seen three seconds later.
        self._known.put(session.id, _Read(session, now_ms))
        return session

    async def _renewed(self, session: Session, presented: SecretState, secret_hash: str) -> Session:
        now_ms = self._clock.now_ms()
        if session.needs_secret(presented, now_ms):
            secret = self.new_secret()
            changed = session.with_secret(hash_secret(secret.reveal()), secret_hash, now_ms)
            if await self._replaced(changed):
                send_cookie(self.session_cookie(session, secret))
        elif session.needs_confirming(presented):
            await self._replaced(session.confirmed(now_ms))
        return session

    async def _replaced(self, session: Session) -> bool:
        """Store the session; where that fails another request does it, now or soon."""
        self.invalidate(session)
        try:
            await self._directory.replace(session)
        except Stale:
            return False
        except Unavailable as refusal:
            self._delayed(refusal)
            return False
        return True

    def _proves(self, session: Session) -> bool:
        return session.strong or self._proof is SignInProof.ANY

    def _principal(self, session: Session) -> Principal:
        return Principal(
            id=session.account,
            credential=f"{SESSION_CREDENTIAL}{session.id}",
            grants=(Grant(),),
            signed_in_ms=session.signed_in_ms if self._proves(session) else None,
        )


def _has(known: _Read, asked: _Asked) -> bool:
    """Say whether what is remembered is of this place and has the secret."""
    matches = [hmac.compare_digest(each, asked.secret_hash) for each in known.session.secrets]
    return known.session.place == asked.place and any(matches)


def _ticket(by: Principal, purpose: SignInPurpose) -> str:
    return f"{purpose.value} {by.credential}"


def _asked(value: str) -> _Asked | None:
    form = _FORM.fullmatch(value)
    if form is None:
        return None
    account, session, secret = form.groups()
    return _Asked(Place(account, session), hash_secret(secret))


LINK_LIFETIME = timedelta(hours=1)  # Long enough to read what a first start prints.
LINK_CODE_LENGTH = 32  # 190 bits, like a token.

_KIND = "sign-in"


class SignInLinks:
    """Makes links and takes them back; what waits to be used is kept as a hash."""

    def __init__(
        self, work: WorkStore, clock: Clock, randomness: Randomness, *, base_url: str
    ) -> None:
        """Keep what waits to be used in `work`."""
        self._work = work
        self._clock = clock
        self._randomness = randomness
        self._base_url = base_url

    async def create(self, account_id: str) -> Secret:
        """Return the address of a page that signs the account in, good for an hour and one use."""
        code = random_text(self._randomness, LINK_CODE_LENGTH)
        expires_ms = self._clock.now_ms() + LINK_LIFETIME // timedelta(milliseconds=1)
        await self._work.put(_KIND, hash_secret(code), account_id, expires_ms)
        return Secret(f"{self._base_url}/sign-in/link/{code}")

    async def peek(self, code: str) -> str:
        """Return whose link it is and leave it: programs that preview links open them too.

        Raises `LinkExpired`.
        """
        return _account(await self._work.peek(_KIND, hash_secret(code), self._clock.now_ms()))

    async def redeem(self, code: str) -> str:
        """Return the id of the account that the link is for; raise `LinkExpired` from then on."""
        return _account(await self._work.take(_KIND, hash_secret(code), self._clock.now_ms()))


def _account(account_id: str | None) -> str:
    if account_id is None:
        raise LinkExpired
    return account_id
