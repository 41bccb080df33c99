"""Access tokens of accounts: issuing, listing, changing and revoking them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.auth.token import OWNER_LENGTH
from shared.domain.address_ranges import are_within
from shared.domain.errors import CredentialsMissing, NotPermitted, SignInAgain, TokenNotFound
from shared.domain.identity import Principal
from shared.domain.rights import Scope
from shared.domain.tokens import MadeByToken, Token
from shared.ports import Clock
from shared.services.token_records import IssuedToken, TokenRecords, UsedToken, change_of
from shared.services.token_requests import TokenRequest, parse_name

_DAY_MS = timedelta(days=1) // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Keeps the access tokens of every account; an account sees and ends its own alone.

    A credential makes none that allows more than itself, from elsewhere or for longer. What manages
    is made by people who signed in a moment ago, and by the operator.
    """

    records: TokenRecords
    clock: Clock
    default_days: int

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
        days = wanted.days or self.default_days
        draft = draft_of(owner, wanted, until(self.clock, days, by), by)
        check_reach("issue", draft, by)
        self._check_sure("issue", draft, by)
        return await self.records.issue(draft, by=by)

    async def issue_unlimited(
        self, owner: str, wanted: TokenRequest, *, by: Principal
    ) -> IssuedToken:
        """Create a token that never expires; only the operator may."""
        _check_operator("issue", wanted, by, "tokens that never expire")
        return await self.records.issue(draft_of(owner, wanted, None, by), by=by)

    async def plant(self, owner: str, wanted: TokenRequest, *, by: Principal) -> IssuedToken:
        """Create a canary: a token that opens nothing, and tells when somebody tries it.

        Only the operator may, and only the operator sees it in lists.
        """
        _check_operator("plant", wanted, by, "canaries")
        canary = draft_of(owner, wanted, None, by).model_copy(update={"canary": True})
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
        renamed = await self.records.rename(found.token, parse_name(name), by=by)
        return UsedToken(renamed, found.use)

    async def rotate(self, owner: str, token_id: str, *, by: Principal) -> IssuedToken:
        """Give a token a new text with the same rights, for as long again; the old one ends.

        Whoever asks learns the text, so it takes what issuing such a token takes.
        """
        token = (await self._own("rotate", owner, token_id, by)).token
        check_reach("rotate", token, by)
        self._check_sure("rotate", token, by)
        return await self.records.rotate(token, renewed(token, self.clock, by), by=by)

    async def revoke(self, owner: str, token_id: str, *, by: Principal) -> None:
        """End a token of the account `owner`, everywhere within five seconds.

        Raises `TokenNotFound` alike for tokens that are not there and other people's.
        """
        token = (await self._own("revoke", owner, token_id, by)).token
        await self.records.end(token, change_of("revoked", token), by=by)

    async def revoke_stolen(
        self, owner: str, token_id: str, *, by: Principal
    ) -> Sequence[MadeByToken]:
        """End a token of the account `owner` and everything that was made with it.

        Raises and repeats as `TokenLineage.revoke` does.
        """
        _check_manager("revoke", by)
        if not _is_owner(owner, by):
            raise TokenNotFound(token_id)
        return await self.records.lineage.revoke(owner, token_id, by=by)

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
        if manages and not by.is_operator and not by.is_fresh(self.clock.now_ms()):
            raise SignInAgain(verb, f"the token {token.name}, which manages")


def draft_of(owner: str, wanted: TokenRequest, expires_ms: int | None, by: Principal) -> Token:
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
    if not all(map(by.may_hand_out, token.grants)):
        reason = "it would allow more than the token that asks for it"
        raise NotPermitted(verb, f"the token {token.name}", reason)
    if not are_within(token.addresses, by.addresses):
        reason = "it could be used from elsewhere than the token that asks for it"
        raise NotPermitted(verb, f"the token {token.name}", reason)


def until(clock: Clock, days: int, by: Principal) -> int:
    """Return when a token of so many days ends: never after the credential that makes it."""
    expires_ms = clock.now_ms() + days * _DAY_MS
    return expires_ms if by.expires_ms is None else min(expires_ms, by.expires_ms)


def renewed(token: Token, clock: Clock, by: Principal) -> int | None:
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
