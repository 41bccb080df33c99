"""Access tokens of accounts and organizations: who may issue, list, rename, rotate and revoke them.

`token_requests.py` parses requests, `token_rights.py` limits what a new token may do,
`token_records.py` stores tokens. `shared/auth/authentication.py` verifies tokens.
"""

from dataclasses import dataclass

from shared.auth.authorization import Authorization
from shared.domain.access import require_own_account
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import TokenNotFound
from shared.domain.identity import Principal
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.rights import Action
from shared.domain.tokens import Token, token_expiry
from shared.ports import Clock
from shared.services.tokens.token_records import IssuedToken, TokenRecords, UsedToken, token_change
from shared.services.tokens.token_requests import TokenRequest, parse_token_name
from shared.services.tokens.token_rights import (
    check_rights,
    is_owner,
    require_issuer,
    require_operator,
)


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

        Raises `credentials-missing`, `NotPermitted` or `SignInAgain`.
        """
        require_issuer(owner, request, by)
        now_ms = self.clock.now_ms()
        days = request.days or self.token_days
        draft = _draft(owner, request, token_expiry(now_ms, days, by.expires_ms), by)
        check_rights("issue", draft, by, now_ms)
        return await self.records.issue(draft, by=by)

    async def issue_unlimited(
        self, owner: str, request: TokenRequest, *, by: Principal
    ) -> IssuedToken:
        """Create a token that never expires; only the operator may."""
        require_operator("issue", request, by, "tokens that never expire")
        return await self.records.issue(_draft(owner, request, None, by), by=by)

    async def list(self, owner: str, *, by: Principal) -> list[UsedToken]:
        """Return the tokens of the account `owner`, oldest first, including expired ones."""
        require_own_account(by, "list", "tokens")
        return await self.records.of(owner) if is_owner(owner, by) else []

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
        now_ms = self.clock.now_ms()
        check_rights("rotate", token, by, now_ms)
        renewed_ms = token.renewed_expiry(now_ms, by.expires_ms)
        return await self.records.rotate(token, renewed_ms, by=by)

    async def revoke(self, owner: str, token_id: str, *, by: Principal) -> None:
        """Revoke a token of the account `owner`, everywhere within five seconds.

        Raises `TokenNotFound`, also for tokens of others.
        """
        token = (await self._find_own("revoke", owner, token_id, by)).token
        await self.records.revoke(token, token_change("revoked", token), by=by)

    async def _find_own(self, verb: str, owner: str, token_id: str, by: Principal) -> UsedToken:
        require_own_account(by, verb, "tokens")
        if not is_owner(owner, by):
            raise TokenNotFound(token_id)
        return await self.records.find(owner, token_id)


def _draft(owner: str, request: TokenRequest, expires_ms: int | None, by: Principal) -> Token:
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
        now_ms = self.clock.now_ms()
        days = request.days or self.token_days
        expires_ms = token_expiry(now_ms, days, by.expires_ms)
        draft = _draft(organization.id, request, expires_ms, by)
        grants = [grant.model_copy(update={"org": organization.name}) for grant in draft.grants]
        draft = draft.model_copy(update={"org": organization.name, "grants": tuple(grants)})
        check_rights("issue", draft, by, now_ms)
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
        now_ms = self.clock.now_ms()
        check_rights("rotate", token, by, now_ms)
        renewed_ms = token.renewed_expiry(now_ms, by.expires_ms)
        return await self.records.rotate(token, renewed_ms, by=by)

    async def revoke(self, org: OrgName, token_id: str, *, by: Principal) -> None:
        """Revoke a token of the organization, everywhere within five seconds."""
        token = (await self.find(org, token_id, by=by)).token
        await self.records.revoke(token, token_change("revoked", token), by=by)

    async def owner(self, org: OrgName, *, by: Principal) -> str:
        """Return the id that the organization's tokens belong to."""
        return (await self._require_owner(org, by)).id

    async def _require_owner(
        self, org: OrgName, by: Principal, action: Action = Action.MANAGE
    ) -> Organization:
        access = await self.authorization.require_within(by, action, org)
        return access.require_organization(org)
