"""Access tokens of accounts and organizations: who may issue, list, rename, rotate and revoke them.

A new token never has more rights than the credential that creates it. The same holds for a new text
of a known token, since whoever asks for it gets the text. `token_requests.py` parses requests,
`token_records.py` stores tokens. `shared/auth/authentication.py` verifies tokens.
"""

from dataclasses import dataclass, replace

from shared.auth.authorization import Authorization
from shared.auth.tokens import OWNER_LENGTH
from shared.domain.access import require_own_account
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import NotPermitted, credentials_missing
from shared.domain.identity import Principal, require_recent_sign_in
from shared.domain.ip_addresses import are_ranges_within
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.rights import Action, Scope
from shared.domain.tokens import Token, token_expiry
from shared.ports import Clock
from shared.services.tokens.token_records import IssuedToken, TokenRecords, UsedToken, token_change
from shared.services.tokens.token_requests import TokenRequest, parse_token_name

_NOT_MANAGING = (
    "A token of an organization manages nothing, so that no machine can make itself at home. "
    "Choose among read, push-new, push-version, deprecate."
)


@dataclass(frozen=True, slots=True)
class OfOrganization:
    """The organization as the owner of its tokens."""

    org: OrgName


TokenOwner = str | OfOrganization  # The id of an account, or an organization.


@dataclass(frozen=True, slots=True)
class Tokens:
    """Issues, lists and revokes tokens of accounts and organizations.

    An account manages only its own, with a credential that manages the whole account. A token for
    some organizations or packages only issues others for them. Owners of an organization manage
    its tokens, which act as maintainers of it and have no other rights. These stay when their
    creator leaves, and are invalid once the organization is deleted. So issuing and rotating,
    which return a text, take `Action.GOVERN`.

    A new token never allows more than the credential that creates it, nor other addresses, nor a
    longer lifetime. Tokens with the scope manage need a recent sign-in, or the operator.
    """

    records: TokenRecords
    authorization: Authorization
    clock: Clock
    token_days: int

    async def issue(
        self, owner: TokenOwner, request: TokenRequest, *, by: Principal
    ) -> IssuedToken:
        """Create a token; one of an organization is limited to its packages.

        Raises `credentials-missing`, `NotPermitted` or `SignInAgain`.
        """
        holder: str | Organization
        if isinstance(owner, OfOrganization):
            holder = await self._require_owner(owner, by, Action.GOVERN)
            if request.manages:
                raise InvalidRequest(_NOT_MANAGING)
            grant = request.grant.model_copy(update={"org": holder.name})
            request = replace(request, grant=grant)
        else:
            require_issuer(owner, request, by)
            holder = owner
        now_ms = self.clock.now_ms()
        expires_ms = token_expiry(now_ms, request.days or self.token_days, by.expires_ms)
        draft = _draft(holder, request, expires_ms, by)
        check_rights("issue", draft, by, now_ms)
        return await self.records.issue(draft, by=by)

    async def issue_unlimited(
        self, account: str, request: TokenRequest, *, by: Principal
    ) -> IssuedToken:
        """Create a token of an account that never expires; only the operator may."""
        require_operator("issue", request, by, "tokens that never expire")
        return await self.records.issue(_draft(account, request, None, by), by=by)

    async def list(self, owner: TokenOwner, *, by: Principal) -> list[UsedToken]:
        """Return the tokens of the owner, oldest first, including expired ones."""
        return await self.records.of(await self._owner_id("list", owner, by))

    async def find(self, owner: TokenOwner, token_id: str, *, by: Principal) -> UsedToken:
        """Return a token of the owner.

        Raises `TokenNotFound`, also for tokens of others.
        """
        return await self.records.find(await self._owner_id("show", owner, by), token_id)

    async def rename(
        self, owner: TokenOwner, token_id: str, name: str, *, by: Principal
    ) -> UsedToken:
        found = await self.records.find(await self._owner_id("rename", owner, by), token_id)
        renamed = await self.records.rename(found.token, parse_token_name(name), by=by)
        return UsedToken(renamed, found.use)

    async def rotate(self, owner: TokenOwner, token_id: str, *, by: Principal) -> IssuedToken:
        """Give a token a new text and the same lifetime again, and revoke the old text.

        Needs the same rights as issuing such a token, since the caller gets the text.
        """
        owner_id = await self._owner_id("rotate", owner, by, Action.GOVERN)
        token = (await self.records.find(owner_id, token_id)).token
        now_ms = self.clock.now_ms()
        check_rights("rotate", token, by, now_ms)
        renewed_ms = token.renewed_expiry(now_ms, by.expires_ms)
        return await self.records.rotate(token, renewed_ms, by=by)

    async def revoke(self, owner: TokenOwner, token_id: str, *, by: Principal) -> None:
        """Revoke a token of the owner, everywhere within five seconds.

        Raises `TokenNotFound`, also for tokens of others.
        """
        owner_id = await self._owner_id("revoke", owner, by)
        token = (await self.records.find(owner_id, token_id)).token
        await self.records.revoke(token, token_change("revoked", token), by=by)

    async def _owner_id(
        self, verb: str, owner: TokenOwner, by: Principal, action: Action = Action.MANAGE
    ) -> str:
        """Return the id that the tokens belong to; of another account none that has any."""
        if isinstance(owner, OfOrganization):
            return (await self._require_owner(owner, by, action)).id
        require_own_account(by, verb, "tokens")
        return owner if is_owner(owner, by) else ""

    async def _require_owner(
        self, owner: OfOrganization, by: Principal, action: Action
    ) -> Organization:
        access = await self.authorization.require_within(by, action, owner.org)
        return access.require_organization(owner.org)


def _draft(
    owner: str | Organization, request: TokenRequest, expires_ms: int | None, by: Principal
) -> Token:
    return Token(
        id="",
        hash="",
        owner=owner if isinstance(owner, str) else owner.id,
        org="" if isinstance(owner, str) else owner.name,
        name=request.name,
        grants=(request.grant,),
        created_ms=0,
        expires_ms=expires_ms,
        addresses=request.addresses or by.addresses,
    )


def require_issuer(owner: str, request: TokenRequest, by: Principal) -> None:
    """Raise `credentials-missing` or `NotPermitted` unless `by` may create the account's tokens."""
    if by.is_anonymous:
        raise credentials_missing()
    if not any(Scope.MANAGE in grant.scopes for grant in by.grants):
        raise NotPermitted("issue", "tokens", "the token lacks the scope manage for it")
    if not is_owner(owner, by):
        raise NotPermitted("issue", f"the token {request.name}", "it is for another account")
    if len(owner) != OWNER_LENGTH:
        # A user of the Entra tenant without an account here.
        raise NotPermitted("issue", f"the token {request.name}", "it takes an account here")


def require_operator(verb: str, request: TokenRequest, by: Principal, what: str) -> None:
    """Raise `NotPermitted` unless `by` is the operator; `what` are the tokens that only they may
    create."""
    if not by.is_operator:
        reason = f"only the operator issues {what}"
        raise NotPermitted(verb, f"the token {request.name}", reason)


def is_owner(owner: str, by: Principal) -> bool:
    """Check whether tokens of the account are those of `by`; the operator's are everybody's."""
    return by.is_operator or by.id == owner


def check_rights(verb: str, token: Token, by: Principal, now_ms: int) -> None:
    """Raise `NotPermitted` for a token that allows more than the credential of `by`, and
    `SignInAgain` for one that manages, which takes a recent sign-in."""
    if not all(map(by.may_grant, token.grants)):
        reason = "it would allow more than the token that asks for it"
        raise NotPermitted(verb, f"the token {token.name}", reason)
    if not are_ranges_within(token.addresses, by.addresses):
        reason = "it could be used from elsewhere than the token that asks for it"
        raise NotPermitted(verb, f"the token {token.name}", reason)
    if any(Scope.MANAGE in grant.scopes for grant in token.grants):
        require_recent_sign_in(by, now_ms, verb, f"the token {token.name}, which manages")
