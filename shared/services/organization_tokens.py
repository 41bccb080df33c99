"""Tokens that belong to an organization: for machines, and for longer than anybody stays."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.auth.authorization import Authorization
from shared.domain.errors import InvalidRequest, OrganizationNotFound
from shared.domain.identity import Principal
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, place_of
from shared.domain.rights import Action
from shared.domain.tokens import MadeByToken
from shared.ports import Clock, DirectoryStore
from shared.services.token_records import IssuedToken, TokenRecords, UsedToken, change_of
from shared.services.token_requests import TokenRequest, parse_name
from shared.services.tokens import check_reach, draft_of, renewed, until

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
    default_days: int

    async def issue(self, org: OrgName, wanted: TokenRequest, *, by: Principal) -> IssuedToken:
        """Create a token of the organization, for packages of it whatever pattern was asked."""
        organization = await self._owned(org, by, Action.GOVERN)
        if wanted.manages:
            raise InvalidRequest(_NOT_MANAGING)
        days = wanted.days or self.default_days
        draft = draft_of(organization.id, wanted, until(self.clock, days, by), by)
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
        renamed = await self.records.rename(found.token, parse_name(name), by=by)
        return UsedToken(renamed, found.use)

    async def rotate(self, org: OrgName, token_id: str, *, by: Principal) -> IssuedToken:
        """Give a token a new text with the same rights, for as long again; the old one ends."""
        organization = await self._owned(org, by, Action.GOVERN)
        token = (await self.records.find(organization.id, token_id)).token
        check_reach("rotate", token, by)
        return await self.records.rotate(token, renewed(token, self.clock, by), by=by)

    async def revoke(self, org: OrgName, token_id: str, *, by: Principal) -> None:
        """End a token of the organization, everywhere within five seconds."""
        token = (await self.find(org, token_id, by=by)).token
        await self.records.end(token, change_of("revoked", token), by=by)

    async def revoke_stolen(
        self, org: OrgName, token_id: str, *, by: Principal
    ) -> Sequence[MadeByToken]:
        """End a token of the organization and everything that was made with it.

        Raises and repeats as `TokenLineage.revoke` does.
        """
        organization = await self._owned(org, by)
        return await self.records.lineage.revoke(organization.id, token_id, by=by)

    async def owner(self, org: OrgName, *, by: Principal) -> str:
        """Return the id that the organization's tokens belong to."""
        return (await self._owned(org, by)).id

    async def _owned(
        self, org: OrgName, by: Principal, action: Action = Action.MANAGE
    ) -> Organization:
        await self.authorization.require(by, action, org)
        organization = await self.directory.get(Organization, place_of(org))
        if organization is None:
            raise OrganizationNotFound(org)
        return organization
