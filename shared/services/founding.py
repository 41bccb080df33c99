"""Founding: who may create an organization, and under which name."""

from dataclasses import dataclass
from enum import Enum

from shared.auth.base62 import random_text
from shared.auth.token import OWNER_LENGTH
from shared.domain.accounts import Account
from shared.domain.errors import (
    CredentialsMissing,
    NotPermitted,
    OrganizationExists,
    TokenUnknown,
)
from shared.domain.identity import Principal, Standing
from shared.domain.lookalikes import is_kept_back, skeletons
from shared.domain.names import OrgName, is_reserved
from shared.domain.organization_errors import LooksAlike, NameKeptBack
from shared.domain.organizations import LookAlike, Membership, Organization
from shared.domain.rates import Keys, OperationClass
from shared.domain.rights import Role, Scope
from shared.ports import AlreadyThere, Clock, DirectoryStore, Randomness
from shared.services.limiting import Limiting
from shared.services.recording import Change, Recording
from shared.services.reserving import stored_patterns


class Founders(Enum):
    """Who may found organizations."""

    ANYONE = "anyone"
    ADMINISTRATORS = "administrators"


@dataclass(frozen=True, slots=True)
class Founding:
    """Adds organizations, each under a name that none has.

    `kept_back` are patterns of names that are the operator's, by the settings. Those that
    administrators keep back are read at each founding, so that a change counts everywhere at once.
    """

    directory: DirectoryStore
    recording: Recording
    clock: Clock
    randomness: Randomness
    limiting: Limiting
    founders: Founders = Founders.ANYONE
    kept_back: tuple[str, ...] = ()

    async def check(self, org: OrgName, founder: Account, *, by: Principal) -> None:
        """Raise unless `by` may found the organization for the founder, under this name."""
        if by.is_operator:
            _check_reserved(org, founder)
            return
        standing = await self._standing(org, by)
        if standing.is_administrator:
            _check_reserved(org, founder)
            return
        self._check_founder(org, founder, by)
        if is_kept_back(org, await self._patterns()):
            raise NameKeptBack(org)
        if standing.organization is not None:
            raise OrganizationExists(org)
        await self._check_likeness(org, org)

    async def count(self, founder: Account, *, by: Principal) -> None:
        """Count what people found for themselves; raise `TooManyRequests` for one too many.

        Names are few, and whoever founds many keeps them from others.
        """
        if founder.id == by.id and not founder.administrator:
            await self.limiting.check(OperationClass.FOUND, Keys.of(by))

    async def check_display_name(self, org: OrgName, text: str) -> None:
        """Raise unless the organization may call itself so: by no other one's name."""
        patterns = await self._patterns() if text else ()
        if is_kept_back(text, patterns) and not is_kept_back(org, patterns):
            raise NameKeptBack(text)
        await self._check_likeness(org, text)

    def new(self, org: OrgName, founder: Account) -> Organization:
        """Return an organization as it begins."""
        return Organization(
            id=random_text(self.randomness, OWNER_LENGTH),
            name=org,
            founder=founder.id,
            created_ms=self.clock.now_ms(),
        )

    async def add(self, organization: Organization, *, by: Principal) -> Organization:
        """Add the organization with its first owner; raise `OrganizationExists`."""
        name, founder = organization.name, organization.founder
        since_ms = organization.created_ms
        owner = Membership(org=name, account=founder, role=Role.OWNER, since_ms=since_ms)
        likenesses = [LookAlike(org=name, skeleton=each) for each in sorted(skeletons(name))]
        details = {"founder": founder}
        change = Change("organization.founded", name, org=name, account=founder, details=details)
        try:
            return await self.recording.add(organization, owner, *likenesses, change=change, by=by)
        except AlreadyThere:
            raise OrganizationExists(name) from None

    async def _patterns(self) -> tuple[str, ...]:
        stored = await stored_patterns(self.directory)
        return (*self.kept_back, *(each.pattern for each in stored))

    async def _check_likeness(self, org: OrgName, text: str) -> None:
        for skeleton in sorted(skeletons(text)):
            for known in await self.directory.about(LookAlike, skeleton):
                if known.org.lower() != org.lower():
                    raise LooksAlike(text)

    async def _standing(self, org: OrgName, by: Principal) -> Standing:
        if by.is_anonymous:
            raise CredentialsMissing
        standing = await self.directory.standing(by.id, org, self.clock.now_ms())
        if standing.account is None:
            raise TokenUnknown  # A machine owns nothing that it could found an organization for.
        if not by.may_use(Scope.MANAGE, org):
            raise NotPermitted("create", org, "the token lacks the scope manage here")
        return standing

    def _check_founder(self, org: OrgName, founder: Account, by: Principal) -> None:
        if self.founders is Founders.ADMINISTRATORS:
            raise NotPermitted("create", org, "it takes being administrator of the registry")
        if founder.id != by.id:
            raise NotPermitted("create", f"{org} for {founder.name}", "only they themselves may")


def _check_reserved(org: OrgName, founder: Account) -> None:
    if is_reserved(org) and not founder.administrator:
        reason = "organizations that begin with ballerina are for administrators"
        raise NotPermitted("give", f"{org} to {founder.name}", reason)
