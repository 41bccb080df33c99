"""Device login: a machine without a browser gets a token that a person approves (RFC 8628)."""

import asyncio
from datetime import timedelta

from msgspec import Struct

from shared.auth.secrets import Secret, random_text
from shared.auth.sessions import SESSION_CREDENTIAL
from shared.auth.signing_keys import Signer, SigningKeys
from shared.domain.accounts import Account
from shared.domain.device_login import (
    DEVICE_CODE_LIFETIME,
    DEVICE_TOKEN_DAYS,
    POLL_INTERVAL,
    USER_CODE_RANDOM_BYTES,
    DeviceDecision,
    DeviceRequest,
    read_client_name,
    read_scopes,
    read_user_code,
    user_code,
)
from shared.domain.entities import Place
from shared.domain.errors.base import NotFound
from shared.domain.errors.identity import DeviceRefusal, credentials_missing
from shared.domain.errors.requests import Busy
from shared.domain.grants import UNLIMITED
from shared.domain.principals import Principal
from shared.domain.rate_limits import RateLimitClass, RateLimitKeys
from shared.domain.records import Record
from shared.domain.scopes import Scope
from shared.domain.sessions import Session
from shared.domain.times import MS
from shared.domain.tokens import hash_secret
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock, Randomness
from shared.ports.work import WorkStore
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.limits.rate_limits import RateLimiter
from shared.services.one_time_values import put_back_if_unavailable
from shared.services.tokens.tokens import IssuedToken, TokenRequest, Tokens

CODE_LENGTH = 32  # 190 bits; nobody types it.
USER_CODE_ATTEMPTS = 5  # To find a free user code among 25 billion.

# Requests by user code and by device code; decisions; and recent polls.
_BY_USER_CODE = "device-user"
_BY_DEVICE_CODE = "device"
_DECISION = "device-answer"
_POLL = "device-poll"


class DeviceAuthorization(Struct, frozen=True):
    """The codes of a device, and where and how fast to use them."""

    device_code: Secret
    user_code: Secret
    page: str
    expires_s: int
    interval_s: int


class DeviceLoginResult(Struct, frozen=True):
    """A token for a device, its account and its scopes."""

    issued: IssuedToken
    account: Account
    scopes: tuple[Scope, ...]


class DeviceLogin(Struct, frozen=True):
    """Issues codes to devices, and tokens to approved devices.

    Only hashes of codes are stored. That of the short user code is keyed, so that nobody can find
    the code from the store.
    """

    work: WorkStore
    directory: DirectoryStore
    audited_writer: AuditedWriter
    tokens: Tokens
    rate_limiter: RateLimiter
    keys: SigningKeys
    clock: Clock
    randomness: Randomness
    base_url: str
    interval: timedelta = POLL_INTERVAL

    @property
    def _signer(self) -> Signer:
        return self.keys.signer("device")

    async def authorize(
        self, client: str, scopes: str = "", *, by: Principal
    ) -> DeviceAuthorization:
        """Start a device login for these scopes; raise as `read_scopes` does, and
        `TooManyRequests`."""
        wanted = read_scopes(scopes)
        await self.rate_limiter.check(RateLimitClass.DEVICE, RateLimitKeys.of(by))
        device_code = random_text(self.randomness, CODE_LENGTH)
        now_ms = self.clock.now_ms()
        request = DeviceRequest(
            device=hash_secret(device_code),
            client=read_client_name(client),
            address=by.address,
            agent=by.agent,
            scopes=wanted,
            asked_ms=now_ms,
            expires_ms=now_ms + DEVICE_CODE_LIFETIME // MS,
        )
        user_code = await self._claim_user_code(request)
        await self.work.put(
            _BY_DEVICE_CODE, request.device, request.model_dump_json(), request.expires_ms
        )
        return DeviceAuthorization(
            device_code=Secret(device_code),
            user_code=Secret(user_code),
            page=f"{self.base_url}/device",
            expires_s=DEVICE_CODE_LIFETIME // timedelta(seconds=1),
            interval_s=self.interval // timedelta(seconds=1),
        )

    async def find(self, user_code: str, *, by: Principal) -> DeviceRequest:
        """Return the undecided request with this code.

        Raises `device-code-unknown` and, since a call may be a guess, `TooManyRequests`.
        """
        if by.is_anonymous:
            raise credentials_missing()
        # Not by address: devices at an address could block the people there.
        await self.rate_limiter.check(RateLimitClass.DEVICE, RateLimitKeys(account=by.id))
        code = read_user_code(user_code)
        await self._signer.ready()
        found = await self._peek(_BY_USER_CODE, self._signer.sign(code)) if code else None
        if found is None:
            raise _device_code_unknown()
        request = DeviceRequest.model_validate_json(found)
        if await self._peek(_DECISION, request.device) is not None:
            raise _device_code_unknown()
        return request

    async def approve(self, user_code: str, *, by: Principal) -> DeviceRequest:
        """Approve a token of the account of `by` for the device, which gets it while the session of
        `by` goes on; raise as `find` does."""
        session = by.credential.removeprefix(SESSION_CREDENTIAL)
        decision = DeviceDecision(account=by.id, session=session)
        return await self._decide(user_code, decision, "approved", by)

    async def deny(self, user_code: str, *, by: Principal) -> DeviceRequest:
        """Deny the device a token; raise as `find` does."""
        return await self._decide(user_code, DeviceDecision(), "refused", by)

    async def exchange(self, device_code: str, *, by: Principal) -> DeviceLoginResult:
        """Return the token of an approved device; of concurrent calls one succeeds.

        Raises the refusals of `DeviceRefusal`, and `TakesNoChanges`. `by` is anonymous, with the
        address of the device.
        """
        await self.rate_limiter.require_changes_allowed(RateLimitClass.DEVICE)
        device = hash_secret(device_code)
        if await self._peek(_BY_DEVICE_CODE, device) is None:
            raise _device_code_expired()
        await self._check_poll_interval(device)
        stored_decision = await self._peek(_DECISION, device)
        if stored_decision is None:
            raise DeviceRefusal(
                "authorization-pending",
                "Nobody has approved this device yet. Try again after the interval.",
                error="authorization_pending",
            )
        stored_request = await self.work.take(_BY_DEVICE_CODE, device, self.clock.now_ms())
        if stored_request is None:
            raise _device_code_expired()
        decision = DeviceDecision.model_validate_json(stored_decision)
        if not decision.account:
            raise _access_denied()
        request = DeviceRequest.model_validate_json(stored_request)
        async with put_back_if_unavailable(
            self.work, _BY_DEVICE_CODE, device, stored_request, until_ms=request.expires_ms
        ):
            return await self._issue_token(decision, request, by)

    async def _claim_user_code(self, request: DeviceRequest) -> str:
        await self._signer.ready()
        for _ in range(USER_CODE_ATTEMPTS):
            code = user_code(self.randomness.token_bytes(USER_CODE_RANDOM_BYTES))
            key = self._signer.sign(code)
            if await self._claim(_BY_USER_CODE, key, request, request.expires_ms):
                return code
        raise Busy

    async def _decide(
        self, user_code: str, decision: DeviceDecision, verb: str, by: Principal
    ) -> DeviceRequest:
        request = await self.find(user_code, by=by)
        if not await self._claim(_DECISION, request.device, decision, request.expires_ms):
            raise _device_code_unknown()  # Decided concurrently.
        details = {"client": request.client, "machine-address": request.address}
        change = EntityChange(f"device.{verb}", request.client, account=by.id, details=details)
        await self.audited_writer.append(change, by=by)
        return request

    async def _issue_token(
        self, decision: DeviceDecision, request: DeviceRequest, by: Principal
    ) -> DeviceLoginResult:
        account, session = await asyncio.gather(
            self.directory.get(Account, Place(decision.account)),
            self.directory.get(Session, Place(decision.account, decision.session)),
        )
        if account is None or account.is_locked:
            raise _access_denied()
        is_signed_in = session is not None and session.ends_ms > self.clock.now_ms()
        # Earlier versions stored no session, so what was approved before an upgrade has none.
        if decision.session and not is_signed_in:
            raise DeviceRefusal(
                "session-of-approval-ended",
                "The person who approved this device signed out before it got its token, or was "
                "signed out. Log in again, and stay signed in until the device continues.",
                error="access_denied",
            )
        person = Principal(account.id, "device", (UNLIMITED,), address=by.address, agent=by.agent)
        wanted = TokenRequest.parse(
            request.client,
            [scope.value for scope in request.scopes],
            org="*",
            package="*",
            days=DEVICE_TOKEN_DAYS,
        )
        issued = await self.tokens.issue(account.id, wanted, by=person)
        return DeviceLoginResult(issued, account, request.scopes)

    async def _check_poll_interval(self, device: str) -> None:
        now_ms = self.clock.now_ms()
        until_ms = now_ms + self.interval // MS
        if not await self.work.claim(_POLL, device, "", expires_ms=until_ms, now_ms=now_ms):
            raise DeviceRefusal(
                "slow-down",
                "This device sends requests too often. Wait five seconds longer between requests.",
                error="slow_down",
            )

    async def _peek(self, kind: str, key: str) -> str | None:
        return await self.work.peek(kind, key, self.clock.now_ms())

    async def _claim(self, kind: str, key: str, value: Record, expires_ms: int) -> bool:
        now_ms = self.clock.now_ms()
        text = value.model_dump_json()
        return await self.work.claim(kind, key, text, expires_ms=expires_ms, now_ms=now_ms)


def _device_code_unknown() -> NotFound:
    return NotFound(
        "device-code-unknown",
        "No device is waiting with this code. Compare it with your terminal: a code works once, "
        "for ten minutes. Log in again there for a new one.",
    )


def _access_denied() -> DeviceRefusal:
    return DeviceRefusal(
        "access-denied",
        "The request of this device was denied. If that was a mistake, log in again.",
        error="access_denied",
    )


def _device_code_expired() -> DeviceRefusal:
    return DeviceRefusal(
        "device-code-expired",
        "This device code is not valid, or has expired. Log in again.",
        error="expired_token",
    )
