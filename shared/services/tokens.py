"""Access tokens: issuing, listing and revoking them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from shared.auth.base62 import random_text
from shared.auth.secret import Secret
from shared.auth.token import AccessToken
from shared.domain.errors import CredentialsMissing, InvalidRequest, NotPermitted, TokenNotFound
from shared.domain.identity import Principal
from shared.domain.rights import Grant, Scope
from shared.domain.tokens import Token, TokenUse
from shared.ports import Clock, DirectoryStore, Randomness
from shared.services.recording import Change, Recording

MAX_NAME_LENGTH = 80  # Characters: one line of a list.
MAX_DAYS = 365  # A longer-lived token outlives the memory of who uses it.
ID_LENGTH = 10  # Base62: people type it to revoke a token.

_DAY_MS = timedelta(days=1) // timedelta(milliseconds=1)
_PATTERN = re.compile(r"[A-Za-z0-9_.*?]{1,200}")


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What a new token is to be called and good for."""

    name: str
    grant: Grant
    days: int | None = None  # None: as long as the registry's setting says.

    @classmethod
    def parse(
        cls, name: str, scopes: Iterable[str], *, org: str, package: str, days: int | None
    ) -> Self:
        """Read a request, or raise `InvalidRequest` with what to write instead."""
        grant = Grant(
            scopes=_scopes(scopes),
            org=_pattern("organization", org),
            package=_pattern("package", package),
        )
        return cls(_name(name), grant, _days(days))


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token with its text, which is nowhere else and never shown again."""

    token: Token
    text: Secret


@dataclass(frozen=True, slots=True)
class Tokens:
    """Keeps the access tokens of every account; an account sees and ends its own alone."""

    directory: DirectoryStore
    recording: Recording
    clock: Clock
    randomness: Randomness
    environment: str
    default_days: int

    async def issue(self, owner: str, wanted: TokenRequest, *, by: Principal) -> IssuedToken:
        """Create a token of the account `owner`.

        It allows nothing that the credential of `by` lacks, and does not outlive it. Raises
        `CredentialsMissing` or `NotPermitted`.
        """
        _check_issuer(owner, wanted, by)
        days = wanted.days or self.default_days
        expires_ms = self.clock.now_ms() + days * _DAY_MS
        if by.expires_ms is not None:
            expires_ms = min(expires_ms, by.expires_ms)
        return await self._add(owner, wanted, expires_ms, by)

    async def issue_unlimited(
        self, owner: str, wanted: TokenRequest, *, by: Principal
    ) -> IssuedToken:
        """Create a token that never expires; only the operator may."""
        if not by.is_operator:
            reason = "only the operator issues tokens that never expire"
            raise NotPermitted("issue", f"the token {wanted.name}", reason)
        return await self._add(owner, wanted, None, by)

    async def list(self, owner: str, *, by: Principal) -> list[Token]:
        """Return the tokens of the account `owner`, oldest first, expired ones included."""
        _check_manager("list", by)
        if not _is_owner(owner, by):
            return []
        tokens = await self.directory.of(Token, owner)
        return sorted(tokens, key=lambda token: (token.created_ms, token.id))

    async def uses(self, owner: str, *, by: Principal) -> dict[str, TokenUse]:
        """Return when the tokens of `list` were last used, by token id."""
        _check_manager("list", by)
        uses = await self.directory.of(TokenUse, owner) if _is_owner(owner, by) else []
        return {use.token: use for use in uses}

    async def revoke(self, owner: str, token_id: str, *, by: Principal) -> None:
        """End a token of the account `owner`, everywhere within five seconds.

        Raises `TokenNotFound` alike for tokens that are not there and other people's.
        """
        _check_manager("revoke", by)
        token = await self._own(owner, token_id) if _is_owner(owner, by) else None
        if token is None:
            raise TokenNotFound(token_id)
        await self.recording.remove(token, change=_change("revoked", token), by=by)

    async def _own(self, owner: str, token_id: str) -> Token | None:
        found = await self.directory.about(Token, token_id)
        return next((token for token in found if token.owner == owner), None)

    async def _add(
        self, owner: str, wanted: TokenRequest, expires_ms: int | None, by: Principal
    ) -> IssuedToken:
        minted = AccessToken.mint(self.environment, owner, self.randomness)
        token = Token(
            id=random_text(self.randomness, ID_LENGTH),
            hash=minted.hash,
            owner=owner,
            name=wanted.name,
            grants=(wanted.grant,),
            created_ms=self.clock.now_ms(),
            expires_ms=expires_ms,
        )
        added = await self.recording.add(token, change=_change("issued", token), by=by)
        return IssuedToken(added, minted.text)


def _change(what: str, token: Token) -> Change:
    scopes = {scope.value for grant in token.grants for scope in grant.scopes}
    details = {"name": token.name, "scopes": " ".join(sorted(scopes))}
    account = "" if token.org else token.owner
    return Change(f"token.{what}", token.id, org=token.org, account=account, details=details)


def _check_issuer(owner: str, wanted: TokenRequest, by: Principal) -> None:
    _check_manager("issue", by)
    if not _is_owner(owner, by):
        raise NotPermitted("issue", f"the token {wanted.name}", "it is for another account")
    if not by.may_hand_out(wanted.grant):
        reason = "it would allow more than the token that asks for it"
        raise NotPermitted("issue", f"the token {wanted.name}", reason)


def _check_manager(verb: str, by: Principal) -> None:
    if by.is_anonymous:
        raise CredentialsMissing
    if not any(Scope.MANAGE in grant.scopes for grant in by.grants):
        raise NotPermitted(verb, "tokens", "the token lacks the scope manage for it")


def _is_owner(owner: str, by: Principal) -> bool:
    return by.is_operator or by.id == owner


def _name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        message = (
            f"A token's name is one line of 1 to {MAX_NAME_LENGTH} characters. "
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
    if days is not None and not 1 <= days <= MAX_DAYS:
        message = f"A token is good for 1 to {MAX_DAYS} days, not {days}."
        raise InvalidRequest(message)
    return days
