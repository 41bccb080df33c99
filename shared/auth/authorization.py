"""What a principal may do: the table of rights over what the stores say at that moment."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.domain.accounts import Account
from shared.domain.entity import Place
from shared.domain.errors import CredentialsMissing, OrganizationNotFound
from shared.domain.identity import NOWHERE, Principal, Standing, refusal_of, require
from shared.domain.names import OrgName, Package, parse_org
from shared.domain.organizations import Membership
from shared.domain.package import Head, Survey, Visibility
from shared.domain.query import Viewer
from shared.domain.rights import ANY, Action, Resource, Scope
from shared.ports import Clock, DirectoryStore


@dataclass(frozen=True, slots=True)
class Authorization:
    """Asks the directory what an account is, each time; no membership is ever remembered."""

    directory: DirectoryStore
    clock: Clock

    async def require(self, by: Principal, action: Action, resource: Resource) -> Standing:
        """Return the standing by which `by` may do `action`, or raise the refusal.

        One call of the store; none for requests without credentials and for the operator.
        """
        if by.is_anonymous:
            raise CredentialsMissing
        standing = await self._standing(by, _org_of(resource))
        require(by, standing, action, resource)
        return standing

    async def require_within(self, by: Principal, action: Action, org: OrgName) -> Standing:
        """Return the standing by which `by` may do `action` inside the organization.

        To those who do not belong to it there is no inside: they read `OrganizationNotFound`,
        whether it exists or not. One call of the directory.
        """
        if by.is_anonymous:
            raise CredentialsMissing
        standing = await self.directory.standing(by.id, org, self.clock.now_ms())
        if not _belongs(by, standing, org):
            raise OrganizationNotFound(org)
        require(by, standing, action, org)
        return standing

    async def may_read(self, by: Principal, head: Head) -> bool:
        """Say whether `by` may see the package; of public ones no store is asked."""
        return await self.may_find(by, head.package, head)

    async def may_find(self, by: Principal, package: Package, head: Head | None) -> bool:
        """Say whether the package is there for `by`; `head` is what the store has of it.

        What is missing costs what is hidden costs, so that time tells nobody which it was.
        """
        if head is not None and head.visibility is Visibility.PUBLIC:
            return True
        if not by.may_use(Scope.READ, package):
            return False
        standing = await self._standing(by, package.org)
        return head is not None and _may_read(by, standing, package)

    async def visible(self, by: Principal, surveys: Sequence[Survey | None]) -> list[Survey | None]:
        """Return the surveys in their order, with None for each that `by` may not see.

        One call of the store for each organization with a private package, at the same time.
        """
        heads = [survey.head for survey in surveys if survey is not None]
        readable = await self.readable(by, heads)
        return [
            survey if survey is not None and survey.head.package.key in readable else None
            for survey in surveys
        ]

    async def readable(self, by: Principal, heads: Iterable[Head]) -> frozenset[str]:
        """Return the keys of the packages that `by` may see."""
        public, private = _by_visibility(heads)
        asked = [package for package in private if by.may_use(Scope.READ, package)]
        standings = await self._standings(by, {OrgName(package.org.lower()) for package in asked})
        seen = {
            package.key
            for package in asked
            if _may_read(by, standings[OrgName(package.org.lower())], package)
        }
        return frozenset(seen | {package.key for package in public})

    async def viewer(self, by: Principal) -> Viewer:
        """Return whose private packages a search shows to `by`.

        The calls depend on `by` alone, never on what is found. A token for some packages of an
        organization sees none of its private ones in a search.
        """
        if by.is_operator:
            return Viewer(sees_everything=True)
        if by.is_anonymous:
            return Viewer()
        account = await self.directory.get(Account, Place(by.id))
        if account is not None and account.administrator and _reads_everything(by):
            return Viewer(sees_everything=True)
        members = await self.directory.about(Membership, by.id)
        orgs = {parse_org(each.org.lower()) for each in (*members, *by.holdings)}
        # The list of somebody's organizations may lag behind; each is asked for the truth.
        standings = await self._standings(by, orgs)
        return Viewer(
            frozenset(
                org
                for org, standing in standings.items()
                if refusal_of(by, standing, Action.READ, org) is None
            )
        )

    async def _standings(self, by: Principal, orgs: set[OrgName]) -> dict[OrgName, Standing]:
        ordered = sorted(orgs)
        found = await asyncio.gather(*(self._standing(by, org) for org in ordered))
        return dict(zip(ordered, found, strict=True))

    async def _standing(self, by: Principal, org: OrgName) -> Standing:
        if by.is_operator:
            return NOWHERE
        return await self.directory.standing(by.id, org, self.clock.now_ms())


def _org_of(resource: Resource) -> OrgName:
    return resource.org if isinstance(resource, Package) else resource


def _belongs(by: Principal, standing: Standing, org: OrgName) -> bool:
    if standing.organization is None or standing.is_deleted:
        return False
    is_known = standing.role is not None or bool(by.roles_in(org))
    return is_known or standing.is_administrator or by.is_operator


def _may_read(by: Principal, standing: Standing, package: Package) -> bool:
    return refusal_of(by, standing, Action.READ, package) is None


def _by_visibility(heads: Iterable[Head]) -> tuple[list[Package], list[Package]]:
    public: list[Package] = []
    private: list[Package] = []
    for head in heads:
        (public if head.visibility is Visibility.PUBLIC else private).append(head.package)
    return public, private


def _reads_everything(by: Principal) -> bool:
    return any(
        Scope.READ in grant.scopes and grant.org == ANY and grant.package == ANY
        for grant in by.grants
    )
