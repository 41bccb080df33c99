"""Authentication: who makes a request, by its access token."""

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.access_tokens import AccessToken, token_text
from shared.auth.secrets import Secret
from shared.domain.access_rights import AccessContext
from shared.domain.accounts import Account
from shared.domain.client_addresses import Networks, client_address, is_address_allowed
from shared.domain.client_settings import TOKEN_PLACEHOLDER
from shared.domain.entities import Place
from shared.domain.errors.base import Forbidden, Refusal, Unauthenticated
from shared.domain.errors.identity import TokenUnknown, token_expired
from shared.domain.makers import MakerStop, maker_stop
from shared.domain.names import OrgName
from shared.domain.principals import ANONYMOUS, Principal
from shared.domain.staff import Staff
from shared.domain.times import MS
from shared.domain.token_redaction import redact_tokens
from shared.domain.tokens import Token, TokenUse, hash_secret
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.runtime.background_tasks import BackgroundTasks
from shared.runtime.editions import Edition, records_of
from shared.runtime.lru_cache import LruCache
from shared.telemetry.log import log

TOKEN_CACHED_FOR = timedelta(seconds=3)  # A revoked token is refused everywhere within five.
LAST_USE_INTERVAL = timedelta(minutes=10)  # Exact enough to find unused tokens.
MAX_CACHED_TOKENS = 10_000  # Per process; each takes about 1 KiB.


class _CachedToken(Struct):
    """A token as it was read from the store, with its account; tokens of organizations have none,
    and stop with the accounts that made them."""

    token: Token
    account: Account | None
    stop: MakerStop | None  # Only of a token of an organization: why it is stopped, if it is.
    principal: Principal  # The principal, with the client that last used the token.
    records: tuple[str, ...]  # The keys of what it depends on, as `records_of` says.
    read_ms: int  # A time of the monotonic clock.
    edition_number: int  # From before the token was read.


class RequestClient(Struct, frozen=True):
    """Address and user agent of a request; both may be empty."""

    address: str = ""
    agent: str = ""

    @classmethod
    def of(cls, headers: Mapping[str, str], proxies: Networks) -> Self:
        """Read the headers; their keys are lower case, or compared without case."""
        address = client_address(headers.get("x-forwarded-for", ""), proxies)
        return cls(address, printable_user_agent(headers.get("user-agent", "")))


UNKNOWN_CLIENT = RequestClient()


class Authentication:
    """Identifies the caller of a request; reads each token from the store at most every three
    seconds, and again when a record of its owner is known to have changed."""

    def __init__(
        self,
        directory: DirectoryStore,
        clock: Clock,
        environment: str,
        *,
        edition: Edition,
        staff: Staff,
    ) -> None:
        """Accept the tokens of `environment`."""
        self._directory = directory
        self._clock = clock
        self._environment = environment
        self._edition = edition
        self._staff = staff
        self._verified = LruCache[str, _CachedToken](MAX_CACHED_TOKENS)
        self._last_use = TokenLastUse(directory)

    async def authenticate(
        self, headers: Mapping[str, str], client: RequestClient = UNKNOWN_CLIENT
    ) -> Principal:
        """Return the caller, or `ANONYMOUS` for a request without credentials.

        Raises `TokenMalformed`, `token-placeholder` and `token-foreign` without reading the store;
        `TokenUnknown` for a token that was revoked or never existed, `token-expired`,
        `address-not-allowed` and `account-locked`. Keys of `headers` are lower case, or compared
        without case.
        """
        text = token_text(headers)
        if text is None:
            return ANONYMOUS
        # A token that was verified just now has the right form.
        if not self._edition.follows_records or self._edition.is_current():
            known = self._recognized(text, client)
            if known is not None:
                return known
        if text.reveal() == TOKEN_PLACEHOLDER:
            raise Unauthenticated(
                "token-placeholder",
                "Settings.toml has the placeholder of its template where the access token goes. "
                "Create a token and put it there, at every accesstoken of this registry.",
            )
        access_token = AccessToken.parse(text)
        if access_token.environment != self._environment:
            raise Unauthenticated(
                "token-foreign",
                f"The access token is of another registry, {access_token.environment}. Create one "
                "here and put it into Settings.toml.",
            )
        return self._accepted(await self._verify(access_token, client), client)

    def recognize(
        self, headers: Mapping[str, str], client: RequestClient = UNKNOWN_CLIENT
    ) -> Principal | None:
        """Return the caller of a token that was verified just now, with the client's address, or
        None; no store is read. The edition must be current.

        Raises what `authenticate` raises.
        """
        text = token_text(headers)
        return None if text is None else self._recognized(text, client)

    def _recognized(self, text: Secret, client: RequestClient) -> Principal | None:
        known = self._known(hash_secret(text.reveal()), self._clock.monotonic_ms())
        return self._accepted(known, client) if known else None

    async def close(self) -> None:
        """Wait for the writes in the background."""
        await self._last_use.close()

    def _accepted(self, verified: _CachedToken, client: RequestClient) -> Principal:
        """Return the principal of a token that may be used now from there, and record its use."""
        self._check(verified, client)
        self._last_use.record(verified.token, client, self._clock.now_ms())
        verified.principal = from_client(verified.principal, client)
        return verified.principal

    def _known(self, key: str, now_ms: int) -> _CachedToken | None:
        """Return a token whose records stand. The edition must be current."""
        cached = self._verified.get(key)
        if cached is None or now_ms - cached.read_ms >= TOKEN_CACHED_FOR // MS:
            return None
        if not self._edition.follows_records:
            return cached
        return (
            cached
            if self._edition.is_unchanged_since(cached.edition_number, cached.records)
            else None
        )

    def _check(self, verified: _CachedToken, client: RequestClient) -> None:
        token = verified.token
        account = verified.account
        if account is not None and account.is_locked:
            # The holder of a stolen token learns neither the name of the account nor that the theft
            # was noticed.
            log.info("token.of_locked_account", token=token.id, address=client.address)
            raise TokenUnknown
        if verified.stop is not None:
            why = verified.stop.value
            log.info("token.of_stopped_maker", token=token.id, why=why, address=client.address)
            raise TokenUnknown
        if token.expires_ms is not None and token.expires_ms <= self._clock.now_ms():
            raise token_expired(is_of_job=token.provenance is not None)
        if token.addresses and not is_address_allowed(token.addresses, client.address):
            log.warning("token.used_elsewhere", token=token.id, address=client.address)
            raise Forbidden(
                "address-not-allowed",
                "This access token may not be used from "
                f"{client.address or 'an unknown address'}. Use it from the addresses that it is "
                "allowed for, or create one for this address.",
            )

    async def _verify(self, access_token: AccessToken, client: RequestClient) -> _CachedToken:
        key = access_token.hash
        # The time before the read counts: a revocation during the read is seen three seconds later.
        now_ms = self._clock.monotonic_ms()
        edition_number = self._edition.number
        token, accesses = await self._read(access_token, key)
        # Missing tokens are not cached, so that a new token works at once everywhere.
        if token is None or token.canary or not hmac.compare_digest(token.hash, key):
            raise TokenUnknown
        account = None if token.org else accesses[token.owner].account
        if account is None and not token.org:
            raise TokenUnknown  # It was created while its account was deleted.
        is_guest = token.by_guest
        stop = None
        if account is not None or token.makers:
            holders = [accesses[each] for each in token.makers or (token.owner,)]
            all_staff = all(self._is_staff(each.account) for each in holders)
            is_guest = token.by_unknown_guest or not all_staff
        if token.makers:
            stops = (maker_stop(accesses[each], token.org) for each in token.makers)
            stop = next((each for each in stops if each is not None), None)
        principal = _principal(token, client, is_guest=is_guest)
        verified = _CachedToken(
            token, account, stop, principal, _records_of(token), now_ms, edition_number
        )
        self._verified.put(key, verified)
        return verified

    async def _read(
        self, access_token: AccessToken, key: str
    ) -> tuple[Token | None, Mapping[str, AccessContext]]:
        """Return the token, and by their ids the accounts that it depends on: its owner, or those
        that made a token of an organization, with their roles in it.

        Who made it is known from the last time it was read. Only the first read in a process asks
        for the token before them.
        """
        known = self._verified.peek(key)
        self._verified.drop(key)
        makers, org = (known.token.makers, known.token.org) if known else ((), "")
        ids, org = (makers, org) if makers else ((access_token.owner,), "")
        token, accesses = await asyncio.gather(
            self._directory.get(Token, Place(access_token.owner, key)), self._accesses(ids, org)
        )
        if token is not None and token.makers not in ((), ids):
            accesses = await self._accesses(token.makers, token.org)
        return token, accesses

    async def _accesses(self, ids: Sequence[str], org: str) -> Mapping[str, AccessContext]:
        found = await asyncio.gather(*(self._access(each, org) for each in ids))
        return dict(zip(ids, found, strict=True))

    async def _access(self, account_id: str, org: str) -> AccessContext:
        now_ms = self._clock.now_ms()
        if org:
            return await self._directory.access_context(account_id, OrgName(org), now_ms)
        account = await self._directory.get(Account, Place(account_id))
        return AccessContext(account, None, None, now_ms)

    def _is_staff(self, account: Account | None) -> bool:
        """Check whether an account is staff now; one that was deleted is none."""
        return account is not None and self._staff.includes(account, self._clock.now_ms())


class TokenLastUse:
    """Records when tokens were last used: at most every ten minutes, in the background."""

    def __init__(self, directory: DirectoryStore) -> None:
        self._directory = directory
        self._recorded = LruCache[str, int](MAX_CACHED_TOKENS)
        self._background_tasks = BackgroundTasks()

    def record(self, token: Token, client: RequestClient, now_ms: int) -> None:
        """Start writing the use of `token`, unless one was written in the last ten minutes."""
        if 0 <= now_ms - (self._recorded.get(token.id) or 0) < LAST_USE_INTERVAL // MS:
            return
        self._recorded.put(token.id, now_ms)
        self._background_tasks.start(self._write(_use(token, client, now_ms)))

    async def close(self) -> None:
        """Wait for the writes that were started."""
        await self._background_tasks.close()

    async def _write(self, use: TokenUse) -> None:
        try:
            await self._directory.put(use)
        except Refusal as refusal:
            # No request waits for this write, and the next use of the token repeats it.
            self._recorded.drop(use.token)
            log.warning("token.last_use_not_written", token=use.token, reason=refusal.outcome)


def _records_of(token: Token) -> tuple[str, ...]:
    # The roles of its makers are records of the organization.
    of_makers = (*token.makers, token.org.lower()) if token.makers else ()
    return tuple(records_of(each) for each in (token.owner, *of_makers))


def is_guess(refusal: Refusal) -> bool:
    """Check whether a credential that was refused so may be an attempt to guess one. An expired
    token is none, and neither are texts that cannot be tokens of this registry."""
    plain = {
        "id-token-old",
        "token-expired",
        "token-foreign",
        "token-malformed",
        "token-placeholder",
    }
    return refusal.code not in plain


def from_client(principal: Principal, client: RequestClient) -> Principal:
    """Return the principal with the address and agent of this client."""
    if (principal.address, principal.agent) == (client.address, client.agent):
        return principal
    return replace(principal, address=client.address, agent=client.agent)


def _principal(token: Token, client: RequestClient, *, is_guest: bool) -> Principal:
    return Principal(
        id=token.owner,
        credential=token.id,
        grants=token.grants,
        expires_ms=token.expires_ms,
        organization=token.org,
        addresses=token.addresses,
        address=client.address,
        agent=client.agent,
        provenance=token.provenance,
        refused=token.refused,
        token=token.id,
        token_creator=token.made_by if token.org else "",
        is_guest=is_guest,
        only_versions=token.only_versions,
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


MAX_USER_AGENT_LENGTH = 200  # Characters; browsers send about 120, and `bal` about 40.


def printable_user_agent(text: str) -> str:
    """Return the user agent fit to be stored and shown: short, printable, without tokens."""
    shown = redact_tokens(text)[:MAX_USER_AGENT_LENGTH]
    return "".join(character for character in shown if character.isprintable()).strip()
