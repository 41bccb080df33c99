"""Access tokens of accounts and organizations: issuing, listing, renaming, rotating, revoking."""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Self

from shared.auth.authorization import Authorization
from shared.auth.secrets import Secret, random_text
from shared.auth.tokens import OWNER_LENGTH, AccessToken
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import (
    CredentialsMissing,
    NotPermitted,
    SignInAgain,
    TokenNotFound,
)
from shared.domain.identity import Principal, require_own_account
from shared.domain.ip_addresses import are_ranges_within, parse_ranges
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.records import Place
from shared.domain.rights import Action, Grant, Scope
from shared.domain.tokens import (
    LineageRecord,
    Made,
    Token,
    TokenUse,
    describe_grants,
    token_expiry,
)
from shared.ports import Clock, DirectoryStore, Randomness, Stale
from shared.runtime.retries import retry_when_stale
from shared.services.records import EntityChange, RecordWriter
from shared.services.tokens.token_lineage import TokenLineage

TOKEN_ID_LENGTH = 10  # Base62: people type it to revoke a token.


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token with its text, which is not stored and never shown again."""

    token: Token
    text: Secret


@dataclass(frozen=True, slots=True)
class UsedToken:
    """A token with its last use and its lineage."""

    token: Token
    use: TokenUse | None = None
    made: tuple[LineageRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenRecords:
    """Writes tokens with an event for each change; callers check rights."""

    directory: DirectoryStore
    record_writer: RecordWriter
    lineage: TokenLineage
    clock: Clock
    randomness: Randomness
    environment: str

    async def issue(self, draft: Token, *, by: Principal) -> IssuedToken:
        """Create the token of `draft`, and set its id, hash and time of creation."""
        access_token = AccessToken.mint(self.environment, draft.owner, self.randomness)
        made = {
            "id": random_text(self.randomness, TOKEN_ID_LENGTH),
            "hash": access_token.hash,
            "created_ms": self.clock.now_ms(),
            "made_by": by.id,
            "made_with": by.token,
        }
        token = draft.model_copy(update=made)
        await self.lineage.record(by, Made.TOKEN, token.id, token.name)
        added = await self.record_writer.add(token, change=token_change("issued", token), by=by)
        await self.lineage.require_not_stolen(by)
        return IssuedToken(added, access_token.text)

    async def of(self, owner: str) -> list[UsedToken]:
        """Return the owner's tokens, oldest first, including expired ones."""
        uses = {use.token: use for use in await self.directory.list_by_owner(TokenUse, owner)}
        made = await self.lineage.of(owner)
        # During a rotation a token has two texts; the newer one counts.
        tokens = {
            token.id: token
            for token in _oldest_first(await self.directory.list_by_owner(Token, owner))
        }
        return [
            UsedToken(each, uses.get(each.id), tuple(made.get(each.id, ())))
            for each in _oldest_first(tokens.values())
        ]

    async def find(self, owner: str, token_id: str) -> UsedToken:
        """Return a token of the owner, or raise `TokenNotFound`, also for tokens of others."""
        token = (await self._texts(owner, token_id))[-1]
        made = (await self.lineage.of(owner)).get(token_id, ())
        use = await self.directory.get(TokenUse, Place(owner, token_id))
        return UsedToken(token, use, tuple(made))

    async def rename(self, token: Token, name: str, *, by: Principal) -> Token:

        async def attempt() -> Token:
            current = (await self._texts(token.owner, token.id))[-1]
            details = {"before": current.name, "after": name}
            change = replace(token_change("renamed", current), details=details)
            renamed = current.model_copy(update={"name": name})
            return await self.record_writer.replace(renamed, change=change, by=by)

        return await retry_when_stale(attempt)

    async def rotate(self, token: Token, expires_ms: int | None, *, by: Principal) -> IssuedToken:
        """Give the token a new text and a new expiry; the old text is refused within five seconds.

        Raises `TokenNotFound` where the token is revoked meanwhile.
        """
        old = await self._texts(token.owner, token.id)
        access_token = AccessToken.mint(self.environment, token.owner, self.randomness)
        changes = {
            "hash": access_token.hash,
            "created_ms": self.clock.now_ms(),
            "expires_ms": expires_ms,
            "provenance": None,  # The caller is not the CI job that got the old text.
            "made_by": by.id,
            "made_with": by.token,
            "revision": 1,
            "outbox": (),
        }
        token = old[-1].model_copy(update=changes)
        await self.lineage.record(by, Made.TOKEN, token.id, token.name)
        # The new text is added first: after a failure the old one is still valid.
        added = await self.record_writer.add(token, change=token_change("rotated", token), by=by)
        removed = [await self._remove_text(each) for each in old]
        if not removed[-1]:
            # It was revoked or rotated meanwhile, which has priority.
            await self._end(added, token_change("revoked", added), by)
            raise TokenNotFound(token.id)
        await self.lineage.require_not_stolen(by)
        return IssuedToken(added, access_token.text)

    async def revoke(self, token: Token, change: EntityChange, *, by: Principal) -> None:
        """Revoke the token with all its texts, and delete its last use; a repeat changes
        nothing."""
        with suppress(TokenNotFound):
            for each in await self._texts(token.owner, token.id):
                await self._end(each, change, by)
        use = await self.directory.get(TokenUse, Place(token.owner, token.id))
        if use is not None:
            with suppress(Stale):
                await self.directory.remove(use)

    async def _texts(self, owner: str, token_id: str) -> list[Token]:
        """Return the token once for each valid text, the newest last."""
        # The list by id may lag behind, and must not miss a new text.
        found = await self.directory.list_by_owner(Token, owner)
        texts = _oldest_first(token for token in found if token.id == token_id)
        if not texts:
            raise TokenNotFound(token_id)
        return texts

    async def _end(self, token: Token, change: EntityChange, by: Principal) -> None:
        async def attempt() -> None:
            current = await self.directory.get(Token, token.place)
            if current is not None:
                await self.record_writer.remove(current, change=change, by=by)

        await retry_when_stale(attempt)

    async def _remove_text(self, token: Token) -> bool:
        """Remove an old text without an event; say whether it existed."""

        async def attempt() -> bool:
            current = await self.directory.get(Token, token.place)
            if current is not None:
                await self.directory.remove(current)
            return current is not None

        return await retry_when_stale(attempt)


def token_change(what: str, token: Token) -> EntityChange:
    """Return the event of a token, which never contains its text or hash."""
    return EntityChange(
        f"token.{what}",
        token.id,
        org=token.org,
        account="" if token.org else token.owner,
        details={
            "name": token.name,
            "grants": describe_grants(token.grants),
            **(token.provenance.event_details if token.provenance else {}),
        },
    )


def _oldest_first(tokens: Iterable[Token]) -> list[Token]:
    return sorted(tokens, key=lambda token: (token.created_ms, token.id))


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """The name, rights and lifetime of a new token."""

    name: str
    grant: Grant
    days: int | None = None  # None is the default of the settings.
    addresses: tuple[str, ...] = ()  # Permitted ranges; empty permits all.

    @classmethod
    def parse(
        cls,
        name: str,
        scopes: Iterable[str],
        *,
        org: str,
        package: str,
        days: int | None,
        addresses: Iterable[str] = (),
    ) -> Self:
        """Read a request, or raise `InvalidRequest`."""
        grant = Grant(
            scopes=_scopes(scopes),
            org=_pattern("organization", org),
            package=_pattern("package", package),
        )
        return cls(parse_token_name(name), grant, _days(days), parse_ranges(addresses))

    @property
    def manages(self) -> bool:
        """Whether the token can create other tokens."""
        return Scope.MANAGE in self.grant.scopes


@dataclass(frozen=True, slots=True)
class Tokens:
    """Issues, lists and revokes tokens of accounts; an account manages only its own, with a
    credential that manages the whole account. A token for some organizations or packages only
    issues others for them.

    A new token never allows more than the credential that creates it, nor other addresses, nor a
    longer lifetime. Tokens with the scope manage need a recent sign-in, or the operator.
    """

    records: TokenRecords
    clock: Clock
    token_days: int

    async def issue(self, owner: str, request: TokenRequest, *, by: Principal) -> IssuedToken:
        """Create a token of the account `owner`.

        Raises `CredentialsMissing`, `NotPermitted` or `SignInAgain`.
        """
        if by.is_anonymous:
            raise CredentialsMissing
        if not any(Scope.MANAGE in grant.scopes for grant in by.grants):
            raise NotPermitted("issue", "tokens", "the token lacks the scope manage for it")
        if not _is_owner(owner, by):
            raise NotPermitted("issue", f"the token {request.name}", "it is for another account")
        if len(owner) != OWNER_LENGTH:
            # A user of the Entra tenant without an account here.
            raise NotPermitted("issue", f"the token {request.name}", "it takes an account here")
        days = request.days or self.token_days
        expires_ms = token_expiry(self.clock.now_ms(), days, by.expires_ms)
        draft = token_draft(owner, request, expires_ms, by)
        check_limits("issue", draft, by)
        self._require_recent_sign_in("issue", draft, by)
        return await self.records.issue(draft, by=by)

    async def issue_unlimited(
        self, owner: str, request: TokenRequest, *, by: Principal
    ) -> IssuedToken:
        """Create a token that never expires; only the operator may."""
        _check_operator("issue", request, by, "tokens that never expire")
        return await self.records.issue(token_draft(owner, request, None, by), by=by)

    async def issue_canary(
        self, owner: str, request: TokenRequest, *, by: Principal
    ) -> IssuedToken:
        """Create a canary: a token without rights whose use is reported to the operator.

        Only the operator may create it, and sees it in lists.
        """
        _check_operator("plant", request, by, "canaries")
        canary = token_draft(owner, request, None, by).model_copy(update={"canary": True})
        return await self.records.issue(canary, by=by)

    async def list(self, owner: str, *, by: Principal) -> list[UsedToken]:
        """Return the tokens of the account `owner`, oldest first, including expired ones."""
        require_own_account(by, "list", "tokens")
        found = await self.records.of(owner) if _is_owner(owner, by) else []
        return [each for each in found if by.is_operator or not each.token.canary]

    async def find(self, owner: str, token_id: str, *, by: Principal) -> UsedToken:
        """Return a token of the account `owner`.

        Raises `TokenNotFound`, also for tokens of others.
        """
        return await self._find_own("show", owner, token_id, by)

    async def rename(self, owner: str, token_id: str, name: str, *, by: Principal) -> UsedToken:
        found = await self._find_own("rename", owner, token_id, by)
        renamed = await self.records.rename(found.token, parse_token_name(name), by=by)
        return UsedToken(renamed, found.use)

    async def rotate(self, owner: str, token_id: str, *, by: Principal) -> IssuedToken:
        """Give a token a new text and the same lifetime again, and revoke the old text.

        Needs the same rights as issuing such a token, since the caller gets the text.
        """
        token = (await self._find_own("rotate", owner, token_id, by)).token
        check_limits("rotate", token, by)
        self._require_recent_sign_in("rotate", token, by)
        renewed_ms = token.renewed_expiry(self.clock.now_ms(), by.expires_ms)
        return await self.records.rotate(token, renewed_ms, by=by)

    async def revoke(self, owner: str, token_id: str, *, by: Principal) -> None:
        """Revoke a token of the account `owner`, everywhere within five seconds.

        Raises `TokenNotFound`, also for tokens of others.
        """
        token = (await self._find_own("revoke", owner, token_id, by)).token
        await self.records.revoke(token, token_change("revoked", token), by=by)

    async def revoke_stolen(
        self, owner: str, token_id: str, *, by: Principal
    ) -> Sequence[LineageRecord]:
        """Revoke a token and end everything created with it, as `TokenLineage.revoke_stolen`
        does."""
        require_own_account(by, "revoke", "tokens")
        if not _is_owner(owner, by):
            raise TokenNotFound(token_id)
        return await self.records.lineage.revoke_stolen(owner, token_id, by=by)

    async def _find_own(self, verb: str, owner: str, token_id: str, by: Principal) -> UsedToken:
        require_own_account(by, verb, "tokens")
        if not _is_owner(owner, by):
            raise TokenNotFound(token_id)
        found = await self.records.find(owner, token_id)
        if found.token.canary and not by.is_operator:
            raise TokenNotFound(token_id)
        return found

    def _require_recent_sign_in(self, verb: str, token: Token, by: Principal) -> None:
        manages = any(Scope.MANAGE in grant.scopes for grant in token.grants)
        if manages and not by.is_operator and not by.signed_in_recently(self.clock.now_ms()):
            raise SignInAgain(verb, f"the token {token.name}, which manages")


def token_draft(owner: str, request: TokenRequest, expires_ms: int | None, by: Principal) -> Token:
    return Token(
        id="",
        hash="",
        owner=owner,
        name=request.name,
        grants=(request.grant,),
        created_ms=0,
        expires_ms=expires_ms,
        addresses=request.addresses or by.addresses,
    )


def check_limits(verb: str, token: Token, by: Principal) -> None:
    """Raise `NotPermitted` for a token that allows more than the credential of `by`."""
    if not all(map(by.may_grant, token.grants)):
        reason = "it would allow more than the token that asks for it"
        raise NotPermitted(verb, f"the token {token.name}", reason)
    if not are_ranges_within(token.addresses, by.addresses):
        reason = "it could be used from elsewhere than the token that asks for it"
        raise NotPermitted(verb, f"the token {token.name}", reason)


def _check_operator(verb: str, request: TokenRequest, by: Principal, what: str) -> None:
    if not by.is_operator:
        reason = f"only the operator issues {what}"
        raise NotPermitted(verb, f"the token {request.name}", reason)


def _is_owner(owner: str, by: Principal) -> bool:
    return by.is_operator or by.id == owner


_NOT_MANAGING = (
    "A token of an organization manages nothing, so that no machine can make itself at home. "
    "Choose among read, push-new, push-version, deprecate."
)


@dataclass(frozen=True, slots=True)
class OrganizationTokens:
    """Issues, lists and revokes tokens of organizations for their owners.

    Such a token acts as a maintainer of its organization and has no other rights. It stays when
    its creator leaves, and is invalid once the organization is deleted. So issuing and rotating,
    which return a text, take `Action.GOVERN`.
    """

    records: TokenRecords
    authorization: Authorization
    clock: Clock
    token_days: int

    async def issue(self, org: OrgName, request: TokenRequest, *, by: Principal) -> IssuedToken:
        """Create a token, which is limited to packages of the organization."""
        organization = await self._require_owner(org, by, Action.GOVERN)
        if request.manages:
            raise InvalidRequest(_NOT_MANAGING)
        days = request.days or self.token_days
        expires_ms = token_expiry(self.clock.now_ms(), days, by.expires_ms)
        draft = token_draft(organization.id, request, expires_ms, by)
        grants = [grant.model_copy(update={"org": organization.name}) for grant in draft.grants]
        draft = draft.model_copy(update={"org": organization.name, "grants": tuple(grants)})
        check_limits("issue", draft, by)
        return await self.records.issue(draft, by=by)

    async def list(self, org: OrgName, *, by: Principal) -> list[UsedToken]:
        """Return the organization's tokens, oldest first, including expired ones."""
        return await self.records.of((await self._require_owner(org, by)).id)

    async def find(self, org: OrgName, token_id: str, *, by: Principal) -> UsedToken:
        """Return a token of the organization, or raise `TokenNotFound`."""
        return await self.records.find((await self._require_owner(org, by)).id, token_id)

    async def rename(self, org: OrgName, token_id: str, name: str, *, by: Principal) -> UsedToken:
        found = await self.find(org, token_id, by=by)
        renamed = await self.records.rename(found.token, parse_token_name(name), by=by)
        return UsedToken(renamed, found.use)

    async def rotate(self, org: OrgName, token_id: str, *, by: Principal) -> IssuedToken:
        """Give a token a new text and the same lifetime again, and revoke the old text."""
        organization = await self._require_owner(org, by, Action.GOVERN)
        token = (await self.records.find(organization.id, token_id)).token
        check_limits("rotate", token, by)
        renewed_ms = token.renewed_expiry(self.clock.now_ms(), by.expires_ms)
        return await self.records.rotate(token, renewed_ms, by=by)

    async def revoke(self, org: OrgName, token_id: str, *, by: Principal) -> None:
        """Revoke a token of the organization, everywhere within five seconds."""
        token = (await self.find(org, token_id, by=by)).token
        await self.records.revoke(token, token_change("revoked", token), by=by)

    async def revoke_stolen(
        self, org: OrgName, token_id: str, *, by: Principal
    ) -> Sequence[LineageRecord]:
        """Revoke a token and end everything created with it, as `TokenLineage.revoke_stolen`
        does."""
        organization = await self._require_owner(org, by)
        return await self.records.lineage.revoke_stolen(organization.id, token_id, by=by)

    async def owner(self, org: OrgName, *, by: Principal) -> str:
        """Return the id that the organization's tokens belong to."""
        return (await self._require_owner(org, by)).id

    async def _require_owner(
        self, org: OrgName, by: Principal, action: Action = Action.MANAGE
    ) -> Organization:
        access = await self.authorization.require_within(by, action, org)
        return access.require_organization(org)


MAX_TOKEN_NAME_LENGTH = 80  # Characters.
MAX_TOKEN_DAYS = 365  # After a year it is often unknown who uses a token.

_PATTERN = re.compile(r"[A-Za-z0-9_.*?]{1,200}")


def parse_token_name(text: str) -> str:
    """Return the name of a token, or raise `InvalidRequest`."""
    name = text.strip()
    if not name or len(name) > MAX_TOKEN_NAME_LENGTH or not name.isprintable():
        message = (
            f"A token's name is one line of 1 to {MAX_TOKEN_NAME_LENGTH} characters. "
            "Name it for what uses it, such as laptop or nightly build."
        )
        raise InvalidRequest(message)
    return name


def _scopes(texts: Iterable[str]) -> frozenset[Scope]:
    known = {scope.value: scope for scope in Scope}
    given = list(texts)
    unknown = [text for text in given if text not in known]
    if unknown or not given:
        what = f"{unknown[0]!r} is no scope" if unknown else "A token needs a scope"
        message = f"{what}. Choose among {', '.join(known)}."
        raise InvalidRequest(message)
    return frozenset(known[text] for text in given)


def _pattern(what: str, text: str) -> str:
    if not _PATTERN.fullmatch(text):
        message = (
            f"{text[:80]!r} is not a pattern for the {what}. Write its name; * stands for any "
            "characters, ? for one."
        )
        raise InvalidRequest(message)
    return text


def _days(days: int | None) -> int | None:
    if days is not None and not 1 <= days <= MAX_TOKEN_DAYS:
        message = f"A token is good for 1 to {MAX_TOKEN_DAYS} days, not {days}."
        raise InvalidRequest(message)
    return days
