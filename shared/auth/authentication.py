"""Who makes a request: the account behind its access token."""

import asyncio
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.auth.header import token_text
from shared.auth.recent import Recent
from shared.auth.token import AccessToken
from shared.domain.entity import Place
from shared.domain.errors import Refusal, TokenExpired, TokenUnknown
from shared.domain.identity import ANONYMOUS, Principal
from shared.domain.tokens import Token, TokenUse
from shared.log import log
from shared.ports import Clock, DirectoryStore

VERIFIED_FOR = timedelta(seconds=3)  # A revoked token is refused everywhere within five.
LAST_USE_EVERY = timedelta(minutes=10)  # Exact enough to find the tokens that nobody uses.
REMEMBERED = 10_000  # Tokens that one process sees at a time; each takes about 1 KiB.

_VERIFIED_FOR_MS = VERIFIED_FOR // timedelta(milliseconds=1)
_LAST_USE_EVERY_MS = LAST_USE_EVERY // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class _Verified:
    """A token as the store had it at that time."""

    token: Token
    read_ms: int


class Authentication:
    """Tells who makes a request; reads a token from its store at most every three seconds."""

    def __init__(self, directory: DirectoryStore, clock: Clock, environment: str) -> None:
        """Accept the tokens of `environment`, and no others."""
        self._directory = directory
        self._clock = clock
        self._environment = environment
        self._verified = Recent[_Verified](REMEMBERED)
        self._last_use = LastUse(directory)

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Return who sent a request with these headers; without credentials, `ANONYMOUS`.

        Raises `TokenUnknown` for what is no token, not one of this registry, or revoked, and
        `TokenExpired`. Keys of `headers` are lower case, or compared without case.
        """
        text = token_text(headers)
        if text is None:
            return ANONYMOUS
        presented = AccessToken.parse(text)
        if presented.environment != self._environment:
            raise TokenUnknown
        token = await self._token(presented)
        now_ms = self._clock.now_ms()
        if token.expires_ms is not None and token.expires_ms <= now_ms:
            raise TokenExpired
        self._last_use.note(token, now_ms)
        return Principal(
            token.owner,
            token.id,
            token.grants,
            token.expires_ms,
            holdings=token.holdings,
            provenance=token.provenance,
        )

    async def close(self) -> None:
        """Wait until the last uses are written."""
        await self._last_use.close()

    async def _token(self, presented: AccessToken) -> Token:
        key = presented.hash
        # The time from before the read counts: a revocation during it is seen three seconds later.
        now_ms = self._clock.now_ms()
        known = self._verified.get(key)
        if known is not None and now_ms - known.read_ms < _VERIFIED_FOR_MS:
            return known.token
        self._verified.drop(key)
        token = await self._directory.get(Token, Place(presented.owner, key))
        # Tokens that are not there are not remembered: a new one works at once, everywhere.
        if token is None or not hmac.compare_digest(token.hash, key):
            raise TokenUnknown
        self._verified.put(key, _Verified(token, now_ms))
        return token


class LastUse:
    """Writes when tokens were last used: every ten minutes, beside the requests and not in them."""

    def __init__(self, directory: DirectoryStore) -> None:
        """Write to `directory`."""
        self._directory = directory
        self._noted = Recent[int](REMEMBERED)
        self._writes: set[asyncio.Task[None]] = set()

    def note(self, token: Token, now_ms: int) -> None:
        """Begin to write the use of `token`, unless one of the last ten minutes is written."""
        if now_ms - (self._noted.get(token.id) or 0) < _LAST_USE_EVERY_MS:
            return
        self._noted.put(token.id, now_ms)
        write = asyncio.create_task(self._write(token, now_ms))
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)

    async def close(self) -> None:
        """Wait for the writes that have begun."""
        await asyncio.gather(*self._writes)

    async def _write(self, token: Token, now_ms: int) -> None:
        try:
            await self._directory.put(TokenUse(owner=token.owner, token=token.id, used_ms=now_ms))
        except Refusal as refusal:
            # Nobody waits for this write, and the next use of the token repeats it.
            self._noted.drop(token.id)
            log.warning("token.last_use_not_written", token=token.id, reason=type(refusal).__name__)
