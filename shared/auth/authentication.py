"""Authentication: the account behind the access token of a request."""

import asyncio
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Self

from shared.auth.entra import EntraAccess
from shared.auth.tokens import TOKEN_PREFIX, AccessToken, token_text
from shared.background_tasks import BackgroundTasks
from shared.caching import LruCache
from shared.domain.accounts import Account
from shared.domain.addresses import Networks, allows, client_address
from shared.domain.client_settings import TOKEN_PLACEHOLDER
from shared.domain.errors.base import Refusal
from shared.domain.errors.identity import (
    AccountLocked,
    AddressNotAllowed,
    TokenExpired,
    TokenForeign,
    TokenPlaceholder,
    TokenUnknown,
)
from shared.domain.identity import ANONYMOUS, Principal
from shared.domain.records import Event, Place
from shared.domain.secrets import redact_tokens
from shared.domain.tokens import Token, TokenUse
from shared.log import log
from shared.ports import Clock, DirectoryStore, EventStore

VERIFIED_FOR = timedelta(seconds=3)  # A revoked token is refused everywhere within five.
LAST_USE_EVERY = timedelta(minutes=10)  # Exact enough to find the tokens that nobody uses.
TOKENS_REMEMBERED = 10_000  # Tokens that one process sees at a time; each takes about 1 KiB.

_VERIFIED_FOR_MS = VERIFIED_FOR // timedelta(milliseconds=1)
_LAST_USE_EVERY_MS = LAST_USE_EVERY // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class _Verified:
    """A token as the store had it at that time, and its account; organizations have none."""

    token: Token
    account: Account | None
    read_ms: int  # Of the monotonic clock.


@dataclass(frozen=True, slots=True)
class RequestClient:
    """Who asks, before it is known who that is; both texts may be empty."""

    address: str = ""
    agent: str = ""

    @classmethod
    def of(cls, headers: Mapping[str, str], proxies: Networks) -> Self:
        """Read the headers, whose keys are lower case, or compared without case."""
        address = client_address(headers.get("x-forwarded-for", ""), proxies)
        return cls(address, printable_user_agent(headers.get("user-agent", "")))


class CanaryTokens:
    """Tells the operator of each use of a canary; whoever uses it is told nothing."""

    def __init__(self, events: EventStore, clock: Clock) -> None:
        """Append to `events`, beside the requests, so that no answer comes later for it."""
        self._events = events
        self._clock = clock
        self._told = LruCache[int](CANARIES_REMEMBERED)
        self._beside = BackgroundTasks()

    def record_use(self, token: Token, client: RequestClient) -> None:
        """Tell that somebody has sent this canary."""
        log.warning(
            "token.canary_tried", token=token.id, address=client.address, agent=client.agent
        )
        now_ms = self._clock.now_ms()
        event = _event(token, client, now_ms)
        if self._told.get(event.id) is None:
            self._told.put(event.id, now_ms)
            self._beside.start(self._append(event))

    async def close(self) -> None:
        """Wait until everything is told."""
        await self._beside.close()

    async def _append(self, event: Event) -> None:
        try:
            await self._events.append([event])
        except Refusal as refusal:
            self._told.drop(event.id)
            log.error("token.canary_not_told", token=event.subject, reason=type(refusal).__name__)


UNKNOWN_CLIENT = RequestClient()


class Authentication:
    """Tells who makes a request; reads a token from its store at most every three seconds."""

    def __init__(
        self,
        directory: DirectoryStore,
        clock: Clock,
        environment: str,
        *,
        canaries: CanaryTokens,
        entra: EntraAccess | None = None,
    ) -> None:
        """Accept the tokens of `environment`, those of `entra` if it is there, and no others."""
        self._directory = directory
        self._clock = clock
        self._environment = environment
        self._canaries = canaries
        self._entra = entra
        self._verified = LruCache[_Verified](TOKENS_REMEMBERED)
        self._last_use = TokenLastUse(directory)

    async def authenticate(
        self, headers: Mapping[str, str], client: RequestClient = UNKNOWN_CLIENT
    ) -> Principal:
        """Return who sent a request with these headers; without credentials, `ANONYMOUS`.

        Raises `TokenMalformed`, `TokenPlaceholder` and `TokenForeign` without asking the store;
        `TokenUnknown` for a token that was revoked or never made, `TokenExpired`,
        `AddressNotAllowed` and `AccountLocked`. Keys of `headers` are lower case, or compared
        without case.
        """
        text = token_text(headers)
        if text is None:
            return ANONYMOUS
        if text.reveal() == TOKEN_PLACEHOLDER:
            raise TokenPlaceholder
        if self._entra is not None and not text.reveal().startswith(TOKEN_PREFIX):
            return await self._entra.authenticate(text)
        presented = AccessToken.parse(text)
        if presented.environment != self._environment:
            raise TokenForeign(presented.environment)
        verified = await self._verify(presented, client)
        self._check(verified, client)
        token = verified.token
        self._last_use.record(token, client, self._clock.now_ms())
        return _principal(token, client)

    async def close(self) -> None:
        """Wait until everything is written that requests did not wait for."""
        await self._last_use.close()
        await self._canaries.close()

    def _check(self, verified: _Verified, client: RequestClient) -> None:
        token, account = verified.token, verified.account
        if account is not None and account.is_locked:
            raise AccountLocked(account.name)
        if token.expires_ms is not None and token.expires_ms <= self._clock.now_ms():
            raise TokenExpired
        if not allows(token.addresses, client.address):
            log.warning("token.used_elsewhere", token=token.id, address=client.address)
            raise AddressNotAllowed(client.address)

    async def _verify(self, presented: AccessToken, client: RequestClient) -> _Verified:
        key = presented.hash
        # The time from before the read counts: a revocation during it is seen three seconds later.
        now_ms = self._clock.monotonic_ms()
        known = self._verified.get(key)
        if known is not None and now_ms - known.read_ms < _VERIFIED_FOR_MS:
            return known
        self._verified.drop(key)
        token, account = await asyncio.gather(
            self._directory.get(Token, Place(presented.owner, key)),
            self._directory.get(Account, Place(presented.owner)),
        )
        # Tokens that are not there are not remembered: a new one works at once, everywhere.
        if token is None or not hmac.compare_digest(token.hash, key):
            raise TokenUnknown
        if token.canary:
            # Refused as what is not there, and after as many reads.
            self._canaries.record_use(token, client)
            raise TokenUnknown
        if account is None and not token.org:
            raise TokenUnknown  # It was made while its account was deleted.
        verified = _Verified(token, account, now_ms)
        self._verified.put(key, verified)
        return verified


class TokenLastUse:
    """Writes when tokens were last used: every ten minutes, beside the requests and not in them."""

    def __init__(self, directory: DirectoryStore) -> None:
        """Write to `directory`."""
        self._directory = directory
        self._noted = LruCache[int](TOKENS_REMEMBERED)
        self._beside = BackgroundTasks()

    def record(self, token: Token, client: RequestClient, now_ms: int) -> None:
        """Begin to write the use of `token`, unless one of the last ten minutes is written."""
        if 0 <= now_ms - (self._noted.get(token.id) or 0) < _LAST_USE_EVERY_MS:
            return
        self._noted.put(token.id, now_ms)
        self._beside.start(self._write(_use(token, client, now_ms)))

    async def close(self) -> None:
        """Wait for the writes that have begun."""
        await self._beside.close()

    async def _write(self, use: TokenUse) -> None:
        try:
            await self._directory.put(use)
        except Refusal as refusal:
            # Nobody waits for this write, and the next use of the token repeats it.
            self._noted.drop(use.token)
            log.warning(
                "token.last_use_not_written", token=use.token, reason=type(refusal).__name__
            )


def _principal(token: Token, client: RequestClient) -> Principal:
    return Principal(
        id=token.owner,
        credential=token.id,
        grants=token.grants,
        expires_ms=token.expires_ms,
        holdings=token.holdings,
        addresses=token.addresses,
        address=client.address,
        agent=client.agent,
        provenance=token.provenance,
        token=token.id,
        maker=token.made_by if token.org else "",
    )


def _use(token: Token, client: RequestClient, now_ms: int) -> TokenUse:
    return TokenUse(
        owner=token.owner,
        token=token.id,
        used_ms=now_ms,
        expires_ms=token.expires_ms,
        address=client.address,
        agent=client.agent,
    )


CANARY_EVENT_EVERY = timedelta(
    minutes=10
)  # Of one canary from one address; each try is in the log.
CANARIES_REMEMBERED = 1_000  # Canaries and addresses; who sends from more is seen in the log.

_EVENT_EVERY_MS = CANARY_EVENT_EVERY // timedelta(milliseconds=1)


def _event(token: Token, client: RequestClient, now_ms: int) -> Event:
    # The feed takes each id once, so all processes together tell it once.
    window = now_ms // _EVENT_EVERY_MS
    return Event(
        id=f"token.canary-tried:{token.id}:{client.address}:{window}",
        kind="token.canary-tried",
        at_ms=now_ms,
        actor="",
        subject=token.id,
        org=token.org.lower(),
        account="" if token.org else token.owner,
        credential=token.id,
        address=client.address,
        details={"name": token.name, "agent": client.agent},
    )


MAX_USER_AGENT_LENGTH = 200  # Characters; browsers send about 120, and `bal` about 40.


@lru_cache(maxsize=1024)  # The same few programs ask again and again.
def printable_user_agent(text: str) -> str:
    """Return what a client calls itself, fit to be kept and shown: short, printable, no token."""
    shown = redact_tokens(text)[:MAX_USER_AGENT_LENGTH]
    return "".join(character for character in shown if character.isprintable()).strip()
