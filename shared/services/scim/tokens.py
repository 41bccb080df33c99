"""The tokens by which directories provision people by SCIM: who issues them, and what one is good
for.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from msgspec import Struct

from shared.auth.access_tokens import OWNER_LENGTH, AccessToken
from shared.auth.registry_authorization import RegistryAuthorization
from shared.auth.secrets import Secret, random_text
from shared.domain.entities import Place
from shared.domain.errors.base import Conflict, Invalid, Refusal, printable
from shared.domain.errors.identity import TokenNotFound, TokenUnknown, credentials_missing
from shared.domain.principals import Principal
from shared.domain.scim import MAX_SCIM_TOKENS, ScimToken
from shared.domain.status import StatusProblem, Urgency
from shared.domain.times import MS, time_text
from shared.domain.tokens import hash_secret
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock, Randomness
from shared.runtime.retries import retried_with_back_off
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.leases import Leases
from shared.services.record_batches import all_entities
from shared.services.tokens.makers import Maker, Makers
from shared.telemetry.log import log

_WHAT = "tokens of directories"
_LEASE = "scim-tokens"
DIRECTORY_ID = "directory"  # The actor of what a directory changes.


class IssuedScimToken(Struct, frozen=True):
    """A new token with its text, which is not stored and never shown again."""

    token: ScimToken
    text: Secret


class ScimDirectory(Struct, frozen=True):
    """A directory that makes a request: the identity provider of its people, the issuer of their
    identities, and the principal of the request."""

    provider: str
    issuer: str
    principal: Principal


class ScimTokens(Struct, frozen=True):
    """Issues, lists, revokes and verifies the tokens of directories.

    Administrators issue and revoke them after a fresh sign-in, as the operator does. Tokens stop
    with the administrator who issued them (`shared/domain/makers.py`): with one that was kept, a
    person whom the directory locked could unlock the account again.
    """

    directory: DirectoryStore
    makers: Makers
    registry_authorization: RegistryAuthorization
    audited_writer: AuditedWriter
    leases: Leases
    issuers: Mapping[str, str]  # The issuers of identities, by the names of the identity providers.
    clock: Clock
    randomness: Randomness
    environment: str

    @retried_with_back_off
    async def issue(self, provider: str, days: int, *, by: Principal) -> IssuedScimToken:
        """Create a token of a directory; the one before stays valid until it is revoked.

        An empty `provider` is the only one there is. Raises `directory-unknown` and
        `scim-tokens-full`.
        """
        await self.registry_authorization.require_fresh(by, "issue", _WHAT)
        name = self._provider(provider)
        async with self.leases.lease(_LEASE):
            known = [each for each in await self._live() if each.directory == name]
            if len(known) >= MAX_SCIM_TOKENS:
                raise Conflict(
                    "scim-tokens-full",
                    f"The directory {name} has {len(known)} tokens already. Revoke one first.",
                )
            return await self._issue(name, days, by)

    async def _issue(self, provider: str, days: int, by: Principal) -> IssuedScimToken:
        token_id = random_text(self.randomness, OWNER_LENGTH)
        minted = AccessToken.mint(self.environment, token_id, self.randomness)
        now_ms = self.clock.now_ms()
        token = ScimToken(
            id=token_id,
            hash=hash_secret(minted.text.reveal()),
            directory=provider,
            made_by=by.id,
            created_ms=now_ms,
            expires_ms=now_ms + timedelta(days=days) // MS,
        )
        change = _change("scim.token-issued", token, by)
        return IssuedScimToken(
            await self.audited_writer.add(token, change=change, by=by), minted.text
        )

    async def listed(self, *, by: Principal) -> list[ScimToken]:
        """Return the tokens that have not expired, the newest first."""
        await self.registry_authorization.require_auditor(by, "list", _WHAT)
        return await self._live()

    async def revoke(self, token_id: str, *, by: Principal) -> ScimToken:
        """Revoke a token, which is refused from the next request on; raise `TokenNotFound`."""
        await self.registry_authorization.require_fresh(by, "revoke", _WHAT)
        found = next((each for each in await self._live() if each.id == token_id), None)
        if found is None:
            raise TokenNotFound(printable(token_id))
        change = _change("scim.token-revoked", found, by)
        return await self.audited_writer.remove(found, change=change, by=by)

    async def makers_of(self, tokens: Iterable[ScimToken]) -> Mapping[str, Maker]:
        """Return the makers of tokens, by `ScimToken.made_by`; callers check rights."""
        return await self.makers.of("", [each.made_by for each in tokens])

    async def problems(self) -> list[StatusProblem]:
        """Return which directories have no token any more, and which newest ones end soon; callers
        check rights."""
        live = await self._live()
        makers = await self.makers_of(live)
        working = dict[str, ScimToken]()
        stopped = dict[str, ScimToken]()
        for each in live:
            kind = working if makers[each.made_by].stop is None else stopped
            kind.setdefault(each.directory, each)
        now_ms = self.clock.now_ms()
        return [
            *(
                _stopped_token_problem(each, makers[each.made_by])
                for each in stopped.values()
                if each.directory not in working
            ),
            *(_ending_token_problem(each) for each in working.values() if each.ends_soon(now_ms)),
        ]

    async def authenticate(self, text: Secret | None, client: Principal) -> ScimDirectory:
        """Return the directory of a token. One read of the store, and one of the account that
        issued it.

        Raises `credentials-missing`, `TokenMalformed`, and `TokenUnknown` for anything that is no
        token of a directory of this registry, or stops with its maker.
        """
        if text is None:
            raise credentials_missing()
        access_token = AccessToken.parse(text)
        place = Place(access_token.owner, hash_secret(text.reveal()))
        token = await self.directory.get(ScimToken, place)
        is_live = token is not None and self.clock.now_ms() < token.expires_ms
        if token is None or not is_live or token.directory not in self.issuers:
            raise TokenUnknown
        stop = await self.makers.stop("", token.made_by)
        if stop is not None:
            log.info(
                "token.of_stopped_maker", token=token.id, why=stop.value, address=client.address
            )
            raise TokenUnknown
        principal = Principal(
            DIRECTORY_ID, f"scim:{token.id}", address=client.address, agent=client.agent
        )
        return ScimDirectory(token.directory, self.issuers[token.directory], principal)

    def _provider(self, name: str) -> str:
        if name in self.issuers:
            return name
        if not name and len(self.issuers) == 1:
            return next(iter(self.issuers))
        raise _unknown_directory(name, self.issuers)

    async def _live(self) -> list[ScimToken]:
        found = await all_entities(self.directory, ScimToken)
        now_ms = self.clock.now_ms()
        live = [each for each in found if now_ms < each.expires_ms]
        return sorted(live, key=lambda each: (-each.created_ms, each.id))


def _stopped_token_problem(token: ScimToken, maker: Maker) -> StatusProblem:
    """Return the problem that a directory has no token that works, and has one that stopped."""
    return StatusProblem(
        Urgency.WARN,
        f"The token of the directory {token.directory}, which {maker.name} made, has stopped "
        f"because {maker.why}: nobody is provisioned or locked by it.",
        "Create another one with `ballroom scim token`, and give it to the directory.",
        page="/manage/scim",
    )


def _ending_token_problem(token: ScimToken) -> StatusProblem:
    """Return the problem that the newest token of a directory ends soon."""
    return StatusProblem(
        Urgency.WARN,
        f"The token of the directory {token.directory} expires on {time_text(token.expires_ms)}, "
        "and from then on nobody is provisioned or locked by it.",
        "Create another one with `ballroom scim token`, and give it to the directory.",
        page="/manage/scim",
    )


def _unknown_directory(name: str, known: Mapping[str, str]) -> Refusal:
    if not known:
        sentence = (
            "People are provisioned for a way to sign in, and this registry has neither Entra ID "
            "nor OpenID Connect. Set BALLROOM_ENTRA_TENANT or BALLROOM_OIDC_ISSUER first."
        )
    elif name:
        listed = " or ".join(sorted(known))
        sentence = f"{printable(name)!r} is no directory of this registry. Name {listed}."
    else:
        sentence = f"There are several directories. Name {' or '.join(sorted(known))}."
    return Invalid("directory-unknown", sentence)


def _change(kind: str, token: ScimToken, by: Principal) -> EntityChange:
    details = {"directory": token.directory, "id": token.id}
    return EntityChange(kind, token.id, account=by.id, details=details)
