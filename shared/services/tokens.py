"""Access tokens: what a new token may do, and issuing, listing, renaming, rotating and revoking the
tokens of accounts and organizations.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from shared.auth.authorization import Authorization
from shared.auth.tokens import OWNER_LENGTH
from shared.domain.addresses import are_ranges_within, parse_ranges
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import (
    CredentialsMissing,
    NotPermitted,
    SignInAgain,
    TokenNotFound,
)
from shared.domain.errors.organizations import OrganizationNotFound
from shared.domain.identity import Principal
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, organization_place
from shared.domain.rights import Action, Grant, Scope
from shared.domain.tokens import LineageRecord, Token
from shared.ports import Clock, DirectoryStore
from shared.services.token_records import IssuedToken, TokenRecords, UsedToken, token_change

_DAY_MS = timedelta(days=1) // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What a new token is to be called and good for."""

    name: str
    grant: Grant
    days: int | None = None  # None: as long as the registry's setting says.
    addresses: tuple[str, ...] = ()  # Ranges that it may be used from; none are no limit.

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
        """Read a request, or raise `InvalidRequest` with what to write instead."""
        grant = Grant(
            scopes=_scopes(scopes),
            org=_pattern("organization", org),
            package=_pattern("package", package),
        )
        return cls(parse_token_name(name), grant, _days(days), parse_ranges(addresses))

    @property
    def manages(self) -> bool:
        """Say whether the token could make others."""
        return Scope.MANAGE in self.grant.scopes


@dataclass(frozen=True, slots=True)
class Tokens:
    """Keeps the access tokens of every account; an account sees and ends its own alone.

    A credential makes none that allows more than itself, from elsewhere or for longer. What manages
    is made by people who signed in a moment ago, and by the operator.
    """

    records: TokenRecords
    clock: Clock
    token_days: int

    async def issue(self, owner: str, wanted: TokenRequest, *, by: Principal) -> IssuedToken:
        """Create a token of the account `owner`.

        Raises `CredentialsMissing`, `NotPermitted` or `SignInAgain`.
        """
        _check_manager("issue", by)
        if not _is_owner(owner, by):
            raise NotPermitted("issue", f"the token {wanted.name}", "it is for another account")
        if len(owner) != OWNER_LENGTH:
            # Somebody whom a tenant vouches for: a token is found by the account that it names.
            raise NotPermitted("issue", f"the token {wanted.name}", "it takes an account here")
        days = wanted.days or self.token_days
        draft = token_draft(owner, wanted, token_expiry(self.clock, days, by), by)
        check_reach("issue", draft, by)
        self._check_sure("issue", draft, by)
        return await self.records.issue(draft, by=by)

    async def issue_unlimited(
        self, owner: str, wanted: TokenRequest, *, by: Principal
    ) -> IssuedToken:
        """Create a token that never expires; only the operator may."""
        _check_operator("issue", wanted, by, "tokens that never expire")
        return await self.records.issue(token_draft(owner, wanted, None, by), by=by)

    async def issue_canary(self, owner: str, wanted: TokenRequest, *, by: Principal) -> IssuedToken:
        """Create a canary: a token that opens nothing, and tells when somebody tries it.

        Only the operator may, and only the operator sees it in lists.
        """
        _check_operator("plant", wanted, by, "canaries")
        canary = token_draft(owner, wanted, None, by).model_copy(update={"canary": True})
        return await self.records.issue(canary, by=by)

    async def list(self, owner: str, *, by: Principal) -> list[UsedToken]:
        """Return the tokens of the account `owner`, oldest first, expired ones included."""
        _check_manager("list", by)
        found = await self.records.of(owner) if _is_owner(owner, by) else []
        return [each for each in found if by.is_operator or not each.token.canary]

    async def find(self, owner: str, token_id: str, *, by: Principal) -> UsedToken:
        """Return a token of the account `owner`.

        Raises `TokenNotFound` alike for tokens that are not there and other people's.
        """
        return await self._own("show", owner, token_id, by)

    async def rename(self, owner: str, token_id: str, name: str, *, by: Principal) -> UsedToken:
        """Call a token something else; raise `TokenNotFound`."""
        found = await self._own("rename", owner, token_id, by)
        renamed = await self.records.rename(found.token, parse_token_name(name), by=by)
        return UsedToken(renamed, found.use)

    async def rotate(self, owner: str, token_id: str, *, by: Principal) -> IssuedToken:
        """Give a token a new text with the same rights, for as long again; the old one ends.

        Whoever asks learns the text, so it takes what issuing such a token takes.
        """
        token = (await self._own("rotate", owner, token_id, by)).token
        check_reach("rotate", token, by)
        self._check_sure("rotate", token, by)
        return await self.records.rotate(token, renewed_expiry(token, self.clock, by), by=by)

    async def revoke(self, owner: str, token_id: str, *, by: Principal) -> None:
        """End a token of the account `owner`, everywhere within five seconds.

        Raises `TokenNotFound` alike for tokens that are not there and other people's.
        """
        token = (await self._own("revoke", owner, token_id, by)).token
        await self.records.revoke(token, token_change("revoked", token), by=by)

    async def revoke_stolen(
        self, owner: str, token_id: str, *, by: Principal
    ) -> Sequence[LineageRecord]:
        """End a token of the account `owner` and everything that was made with it.

        Raises and repeats as `TokenLineage.revoke` does.
        """
        _check_manager("revoke", by)
        if not _is_owner(owner, by):
            raise TokenNotFound(token_id)
        return await self.records.lineage.revoke_stolen(owner, token_id, by=by)

    async def _own(self, verb: str, owner: str, token_id: str, by: Principal) -> UsedToken:
        _check_manager(verb, by)
        if not _is_owner(owner, by):
            raise TokenNotFound(token_id)
        found = await self.records.find(owner, token_id)
        if found.token.canary and not by.is_operator:
            raise TokenNotFound(token_id)
        return found

    def _check_sure(self, verb: str, token: Token, by: Principal) -> None:
        manages = any(Scope.MANAGE in grant.scopes for grant in token.grants)
        if manages and not by.is_operator and not by.signed_in_recently(self.clock.now_ms()):
            raise SignInAgain(verb, f"the token {token.name}, which manages")


def token_draft(owner: str, wanted: TokenRequest, expires_ms: int | None, by: Principal) -> Token:
    """Return what `TokenRecords.issue` makes a token of."""
    return Token(
        id="",
        hash="",
        owner=owner,
        name=wanted.name,
        grants=(wanted.grant,),
        created_ms=0,
        expires_ms=expires_ms,
        addresses=wanted.addresses or by.addresses,
    )


def check_reach(verb: str, token: Token, by: Principal) -> None:
    """Raise `NotPermitted` for a token that would reach further than the credential of `by`."""
    if not all(map(by.may_grant, token.grants)):
        reason = "it would allow more than the token that asks for it"
        raise NotPermitted(verb, f"the token {token.name}", reason)
    if not are_ranges_within(token.addresses, by.addresses):
        reason = "it could be used from elsewhere than the token that asks for it"
        raise NotPermitted(verb, f"the token {token.name}", reason)


def token_expiry(clock: Clock, days: int, by: Principal) -> int:
    """Return when a token of so many days ends: never after the credential that makes it."""
    expires_ms = clock.now_ms() + days * _DAY_MS
    return expires_ms if by.expires_ms is None else min(expires_ms, by.expires_ms)


def renewed_expiry(token: Token, clock: Clock, by: Principal) -> int | None:
    """Return when a token ends whose time begins again now."""
    ends = [by.expires_ms] if by.expires_ms is not None else []
    if token.expires_ms is not None:
        ends.append(clock.now_ms() + token.expires_ms - token.created_ms)
    return min(ends, default=None)


def _check_manager(verb: str, by: Principal) -> None:
    if by.is_anonymous:
        raise CredentialsMissing
    if not any(Scope.MANAGE in grant.scopes for grant in by.grants):
        raise NotPermitted(verb, "tokens", "the token lacks the scope manage for it")


def _check_operator(verb: str, wanted: TokenRequest, by: Principal, what: str) -> None:
    if not by.is_operator:
        reason = f"only the operator issues {what}"
        raise NotPermitted(verb, f"the token {wanted.name}", reason)


def _is_owner(owner: str, by: Principal) -> bool:
    return by.is_operator or by.id == owner


_NOT_MANAGING = (
    "A token of an organization manages nothing, so that no machine can make itself at home. "
    "Choose among read, push-new, push-version, deprecate."
)


@dataclass(frozen=True, slots=True)
class OrganizationTokens:
    """Keeps the tokens of organizations; their owners issue, see and end them.

    To learn the text of one, new or renewed, takes `Action.GOVERN`: it outlives what asked for it.

    Such a token acts as a maintainer of its organization, and is nobody anywhere else. It manages
    nothing. It outlives whoever made it, and is good for nothing once the organization is deleted.
    """

    records: TokenRecords
    authorization: Authorization
    directory: DirectoryStore
    clock: Clock
    token_days: int

    async def issue(self, org: OrgName, wanted: TokenRequest, *, by: Principal) -> IssuedToken:
        """Create a token of the organization, for packages of it whatever pattern was asked."""
        organization = await self._owned(org, by, Action.GOVERN)
        if wanted.manages:
            raise InvalidRequest(_NOT_MANAGING)
        days = wanted.days or self.token_days
        draft = token_draft(organization.id, wanted, token_expiry(self.clock, days, by), by)
        grants = [grant.model_copy(update={"org": organization.name}) for grant in draft.grants]
        draft = draft.model_copy(update={"org": organization.name, "grants": tuple(grants)})
        check_reach("issue", draft, by)
        return await self.records.issue(draft, by=by)

    async def list(self, org: OrgName, *, by: Principal) -> list[UsedToken]:
        """Return the organization's tokens, oldest first, expired ones included."""
        return await self.records.of((await self._owned(org, by)).id)

    async def find(self, org: OrgName, token_id: str, *, by: Principal) -> UsedToken:
        """Return a token of the organization, or raise `TokenNotFound`."""
        return await self.records.find((await self._owned(org, by)).id, token_id)

    async def rename(self, org: OrgName, token_id: str, name: str, *, by: Principal) -> UsedToken:
        """Call a token something else; raise `TokenNotFound`."""
        found = await self.find(org, token_id, by=by)
        renamed = await self.records.rename(found.token, parse_token_name(name), by=by)
        return UsedToken(renamed, found.use)

    async def rotate(self, org: OrgName, token_id: str, *, by: Principal) -> IssuedToken:
        """Give a token a new text with the same rights, for as long again; the old one ends."""
        organization = await self._owned(org, by, Action.GOVERN)
        token = (await self.records.find(organization.id, token_id)).token
        check_reach("rotate", token, by)
        return await self.records.rotate(token, renewed_expiry(token, self.clock, by), by=by)

    async def revoke(self, org: OrgName, token_id: str, *, by: Principal) -> None:
        """End a token of the organization, everywhere within five seconds."""
        token = (await self.find(org, token_id, by=by)).token
        await self.records.revoke(token, token_change("revoked", token), by=by)

    async def revoke_stolen(
        self, org: OrgName, token_id: str, *, by: Principal
    ) -> Sequence[LineageRecord]:
        """End a token of the organization and everything that was made with it.

        Raises and repeats as `TokenLineage.revoke` does.
        """
        organization = await self._owned(org, by)
        return await self.records.lineage.revoke_stolen(organization.id, token_id, by=by)

    async def owner(self, org: OrgName, *, by: Principal) -> str:
        """Return the id that the organization's tokens belong to."""
        return (await self._owned(org, by)).id

    async def _owned(
        self, org: OrgName, by: Principal, action: Action = Action.MANAGE
    ) -> Organization:
        await self.authorization.require(by, action, org)
        organization = await self.directory.get(Organization, organization_place(org))
        if organization is None:
            raise OrganizationNotFound(org)
        return organization


MAX_TOKEN_NAME_LENGTH = 80  # Characters: one line of a list.
MAX_TOKEN_DAYS = 365  # A longer-lived token outlives the memory of who uses it.

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
    asked = list(texts)
    unknown = [text for text in asked if text not in known]
    if unknown or not asked:
        what = f"{unknown[0]!r} is no scope" if unknown else "A token needs a scope"
        message = f"{what}. Choose among {', '.join(known)}."
        raise InvalidRequest(message)
    return frozenset(known[text] for text in asked)


def _pattern(what: str, text: str) -> str:
    if not _PATTERN.fullmatch(text):
        message = (
            f"{text[:80]!r} is no pattern for the {what}. Write its name; * stands for any "
            "characters, ? for one."
        )
        raise InvalidRequest(message)
    return text


def _days(days: int | None) -> int | None:
    if days is not None and not 1 <= days <= MAX_TOKEN_DAYS:
        message = f"A token is good for 1 to {MAX_TOKEN_DAYS} days, not {days}."
        raise InvalidRequest(message)
    return days
