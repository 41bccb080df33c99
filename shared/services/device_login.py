"""Device login: a machine without a browser gets a token that a person approves (RFC 8628)."""

from dataclasses import dataclass
from datetime import timedelta

from shared.auth.secrets import Secret, random_text
from shared.auth.signing_keys import Signer, SigningKeys
from shared.domain.accounts import Account
from shared.domain.device_login import (
    DEVICE_CODE_LIFETIME,
    DEVICE_SCOPES,
    DEVICE_TOKEN_DAYS,
    POLL_INTERVAL,
    USER_CODE_RANDOM_BYTES,
    DeviceDecision,
    DeviceRequest,
    read_client_name,
    read_user_code,
    user_code,
)
from shared.domain.errors.identity import (
    AccessDenied,
    AuthorizationPending,
    CredentialsMissing,
    DeviceCodeExpired,
    DeviceCodeUnknown,
    SlowDown,
)
from shared.domain.errors.requests import Busy
from shared.domain.identity import Principal
from shared.domain.rate_limits import RateLimitClass, RateLimitKeys
from shared.domain.records import Place, Record
from shared.domain.rights import Grant
from shared.domain.secrets import hash_secret
from shared.ports import Clock, DirectoryStore, EventStore, Randomness, WorkStore
from shared.services.rate_limits import RateLimiter
from shared.services.records import EntityChange, RecordWriter
from shared.services.token_records import IssuedToken
from shared.services.tokens import TokenRequest, Tokens

CODE_LENGTH = 32  # 190 bits: the machine's own code, which nobody types.
ATTEMPTS = 5  # To find a code for people that is free; two in 25 billion are alike by chance.

# What waits, by the code of the person and by that of the machine; what was answered; and who has
# asked a moment ago.
_BY_PERSON, _BY_MACHINE, _DECISION, _POLL = "device-user", "device", "device-answer", "device-poll"

_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class DeviceAuthorization:
    """What a machine gets: its own code, and the one to show to a person."""

    device_code: Secret
    user_code: Secret
    page: str
    expires_s: int
    interval_s: int


@dataclass(frozen=True, slots=True)
class DeviceLoginResult:
    """A token for a machine, and the account that it is of."""

    issued: IssuedToken
    account: Account


@dataclass(frozen=True, slots=True)
class DeviceLogin:
    """Gives codes to machines, and tokens for those that somebody approved.

    Codes are stored as hashes, that of a person under a key: nobody who reads the store can find
    the few that there are.
    """

    work: WorkStore
    directory: DirectoryStore
    events: EventStore
    record_writer: RecordWriter
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

    async def authorize(self, client: str, *, by: Principal) -> DeviceAuthorization:
        """Begin to wait for an answer; raise `TooManyRequests`."""
        await self.rate_limiter.check(RateLimitClass.DEVICE, RateLimitKeys.of(by))
        device_code = random_text(self.randomness, CODE_LENGTH)
        now_ms = self.clock.now_ms()
        request = DeviceRequest(
            device=hash_secret(device_code),
            client=read_client_name(client),
            address=by.address,
            agent=by.agent,
            asked_ms=now_ms,
            expires_ms=now_ms + DEVICE_CODE_LIFETIME // _MS,
        )
        user_code = await self._claim_user_code(request)
        await self.work.put(
            _BY_MACHINE, request.device, request.model_dump_json(), request.expires_ms
        )
        return DeviceAuthorization(
            device_code=Secret(device_code),
            user_code=Secret(user_code),
            page=f"{self.base_url}/device",
            expires_s=DEVICE_CODE_LIFETIME // timedelta(seconds=1),
            interval_s=self.interval // timedelta(seconds=1),
        )

    async def find(self, user_code: str, *, by: Principal) -> DeviceRequest:
        """Return the machine that waits with this code, for whoever is to answer it.

        Raises `DeviceCodeUnknown` and, since every call may be a guess, `TooManyRequests`.
        """
        if by.is_anonymous:
            raise CredentialsMissing
        # Not by address: machines that ask there would keep everybody from answering their own.
        await self.rate_limiter.check(RateLimitClass.DEVICE, RateLimitKeys(account=by.id))
        code = read_user_code(user_code)
        await self._signer.ready()
        found = await self._peek(_BY_PERSON, self._signer.sign(code)) if code else None
        if found is None:
            raise DeviceCodeUnknown
        request = DeviceRequest.model_validate_json(found)
        if await self._peek(_DECISION, request.device) is not None:
            raise DeviceCodeUnknown
        return request

    async def approve(self, user_code: str, *, by: Principal) -> DeviceRequest:
        """Let the machine have a token of the account of `by`; raise as `find` does."""
        return await self._decide(user_code, DeviceDecision(account=by.id), "approved", by)

    async def deny(self, user_code: str, *, by: Principal) -> DeviceRequest:
        """Let the machine have none; raise as `find` does."""
        return await self._decide(user_code, DeviceDecision(), "refused", by)

    async def exchange(self, device_code: str, *, by: Principal) -> DeviceLoginResult:
        """Return the token of a machine that was approved, to one of any number of calls.

        Raises the refusals of `DeviceRefusal`, and `TakesNoChanges`. `by` is the machine: nobody,
        and its address.
        """
        await self.rate_limiter.require_changes_allowed(RateLimitClass.DEVICE)
        device = hash_secret(device_code)
        if await self._peek(_BY_MACHINE, device) is None:
            raise DeviceCodeExpired
        await self._check_pace(device)
        answer = await self._peek(_DECISION, device)
        if answer is None:
            raise AuthorizationPending
        taken = await self.work.take(_BY_MACHINE, device, self.clock.now_ms())
        if taken is None:
            raise DeviceCodeExpired
        decision = DeviceDecision.model_validate_json(answer)
        if not decision.account:
            raise AccessDenied
        return await self._connect(decision, DeviceRequest.model_validate_json(taken), by)

    async def _claim_user_code(self, request: DeviceRequest) -> str:
        await self._signer.ready()
        for _ in range(ATTEMPTS):
            code = user_code(self.randomness.token_bytes(USER_CODE_RANDOM_BYTES))
            key = self._signer.sign(code)
            if await self._claim(_BY_PERSON, key, request, request.expires_ms):
                return code
        raise Busy

    async def _decide(
        self, user_code: str, decision: DeviceDecision, verb: str, by: Principal
    ) -> DeviceRequest:
        request = await self.find(user_code, by=by)
        if not await self._claim(_DECISION, request.device, decision, request.expires_ms):
            raise DeviceCodeUnknown  # Somebody else, or another tab, was faster.
        details = {"client": request.client, "machine-address": request.address}
        change = EntityChange(f"device.{verb}", request.client, account=by.id, details=details)
        await self.events.append([self.record_writer.event(change, by)])
        return request

    async def _connect(
        self, decision: DeviceDecision, request: DeviceRequest, by: Principal
    ) -> DeviceLoginResult:
        account = await self.directory.get(Account, Place(decision.account))
        if account is None or account.is_locked:
            raise AccessDenied
        person = Principal(account.id, "device", (Grant(),), address=by.address, agent=by.agent)
        wanted = TokenRequest.parse(
            request.client,
            [scope.value for scope in DEVICE_SCOPES],
            org="*",
            package="*",
            days=DEVICE_TOKEN_DAYS,
        )
        return DeviceLoginResult(await self.tokens.issue(account.id, wanted, by=person), account)

    async def _check_pace(self, device: str) -> None:
        now_ms = self.clock.now_ms()
        until_ms = now_ms + self.interval // _MS
        if not await self.work.claim(_POLL, device, "", expires_ms=until_ms, now_ms=now_ms):
            raise SlowDown

    async def _peek(self, kind: str, key: str) -> str | None:
        return await self.work.peek(kind, key, self.clock.now_ms())

    async def _claim(self, kind: str, key: str, value: Record, expires_ms: int) -> bool:
        now_ms, text = self.clock.now_ms(), value.model_dump_json()
        return await self.work.claim(kind, key, text, expires_ms=expires_ms, now_ms=now_ms)
