"""Authorization: what a principal may do, by the table of rights and the stored roles at that
moment.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.domain.accounts import Account
from shared.domain.errors.identity import (
    CredentialsMissing,
    NotPermitted,
    SignInAgain,
    TokenUnknown,
)
from shared.domain.errors.organizations import OrganizationNotFound
from shared.domain.identity import (
    MISSING_PUBLISHING_SCOPES,
    NO_ACCESS,
    AccessContext,
    Principal,
    refusal_of,
    require_right,
)
from shared.domain.members import Membership
from shared.domain.names import OrgName, Package
from shared.domain.packages import Head, Survey, Visibility
from shared.domain.records import Place
from shared.domain.rights import (
    ANY_NAME,
    PUBLISHING_ROLES,
    PUBLISHING_SCOPES,
    RIGHTS,
    Action,
    Resource,
    RoleGrant,
    Scope,
    org_of,
)
from shared.domain.search import Viewer
from shared.ports import Clock, DirectoryStore

_ANYTHING = "any package"


@dataclass(frozen=True, slots=True)
class PrivatePackageAccess:
    """What somebody may see of private packages, as the directory said a moment ago."""

    by: Principal
    account: Account | None = None
    standings: Mapping[OrgName, AccessContext] = field(default_factory=dict[OrgName, AccessContext])

    @property
    def covers_everything(self) -> bool:
        if self.by.is_operator or any(map(self._brings_everything, self.by.holdings)):
            return True
        is_administrator = self.account is not None and self.account.administrator
        return is_administrator and _reads_everything(self.by)

    def _brings_everything(self, held: RoleGrant) -> bool:
        if held.scopes is None:
            return held.org == ANY_NAME and _reads_everything(self.by)
        return held.org == ANY_NAME and Scope.READ in held.scopes

    def organizations(self) -> frozenset[OrgName]:
        """Return the organizations all of whose packages are within reach."""
        return frozenset(
            org for org, standing in self.standings.items() if _may_read(self.by, standing, org)
        )

    def covers(self, head: Head) -> bool:
        """Say whether the package is within reach; public ones always are."""
        elsewhere = AccessContext(self.account, organization=None, role=None)
        standing = self.standings.get(_key(head.org), elsewhere)
        return _is_public(head) or _may_read(self.by, standing, head.package)


@dataclass(frozen=True, slots=True)
class Authorization:
    """Asks the directory what an account is, each time; no membership is ever remembered."""

    directory: DirectoryStore
    clock: Clock

    async def require(self, by: Principal, action: Action, resource: Resource) -> AccessContext:
        """Return the standing by which `by` may do `action`, or raise the refusal.

        One call of the store; none for requests without credentials and for the operator.
        """
        if by.is_anonymous:
            raise CredentialsMissing
        standing = await self.access_context(by, org_of(resource))
        require_right(by, standing, action, resource)
        return standing

    async def require_publisher(self, by: Principal) -> None:
        """Raise unless `by` may publish in some organization.

        Checked before an archive is read that alone names its package; the right to that package
        is checked afterwards. Memberships are read as a list, which may lag behind: whoever was
        invited a moment ago may have to repeat a push.
        """
        if by.is_anonymous:
            raise CredentialsMissing
        if by.is_operator:
            return
        if not any(each.role in PUBLISHING_ROLES for each in by.holdings):
            await self._require_membership(by)
        if not any(grant.scopes & PUBLISHING_SCOPES for grant in by.allowances):
            raise NotPermitted("publish", _ANYTHING, MISSING_PUBLISHING_SCOPES)

    async def _require_membership(self, by: Principal) -> None:
        members, account = await asyncio.gather(
            self.directory.about(Membership, by.id), self.directory.get(Account, Place(by.id))
        )
        if account is None and not by.holdings:
            raise TokenUnknown
        now_ms = self.clock.now_ms()
        publishes = any(each.role_at(now_ms) in PUBLISHING_ROLES for each in members)
        if not publishes and not (account and account.administrator):
            raise NotPermitted("publish", _ANYTHING, _publishes_nowhere(members))

    async def require_within(self, by: Principal, action: Action, org: OrgName) -> AccessContext:
        """Return the standing by which `by` may do `action` inside the organization.

        To those who do not belong to it there is no inside, as `require_belonging` says.
        """
        standing = await self.require_member(by, org)
        require_right(by, standing, action, org)
        return standing

    async def require_member(self, by: Principal, org: OrgName) -> AccessContext:
        """Return the standing of somebody who belongs to the organization, whatever they may do.

        Others read `OrganizationNotFound`, whether it exists or not. One call of the directory.
        """
        if by.is_anonymous:
            raise CredentialsMissing
        standing = await self.directory.standing(by.id, org, self.clock.now_ms())
        standing.existing(org)
        if not _belongs(by, standing, org):
            raise OrganizationNotFound(org)
        return standing

    async def may_read(self, by: Principal, head: Head) -> bool:
        """Say whether `by` may see the package; of public ones no store is asked."""
        return await self.may_find(by, head.package, head)

    async def may_find(self, by: Principal, package: Package, head: Head | None) -> bool:
        """Say whether the package is there for `by`; `head` is what the store has of it.

        What is missing costs what is hidden costs, so that time tells nobody which it was.
        """
        is_public = head is not None and _is_public(head)
        return is_public or package.key in await self.readable(by, [(package, head)])

    async def visible(
        self, by: Principal, asked: Sequence[tuple[Package, Survey | None]]
    ) -> list[Survey]:
        """Return those of the packages that `by` asked for and may see; costs as `readable`."""
        heads = [(package, survey and survey.head) for package, survey in asked]
        readable = await self.readable(by, heads)
        return [survey for package, survey in asked if survey and package.key in readable]

    async def readable(
        self, by: Principal, asked: Iterable[tuple[Package, Head | None]]
    ) -> frozenset[str]:
        """Return the keys of the packages that `by` asked for and may see.

        One call of the store for each organization of a package that is not public or not there,
        at the same time: which of the two it was, the calls do not tell.
        """
        found = list(asked)
        hidden = [package for package, head in found if head is None or not _is_public(head)]
        orgs = set[OrgName]() if by.is_anonymous else {_key(package.org) for package in hidden}
        standings = await self._standings(by, orgs)
        return frozenset(
            package.key
            for package, head in found
            if head and (_is_public(head) or _may_read(by, standings.get(_key(head.org)), package))
        )

    async def private_access(self, by: Principal) -> PrivatePackageAccess:
        """Return which private packages `by` may see, whatever there are.

        The calls depend on `by` alone. It is for answers about packages that nobody named: which
        organizations they would ask about would tell that there are such packages.
        """
        if by.is_operator or by.is_anonymous:
            return PrivatePackageAccess(by)
        account = await self.directory.get(Account, Place(by.id))
        members = await self.directory.about(Membership, by.id)
        named = {each.org for each in members} | by.organizations
        # The list of somebody's organizations may lag behind; each is asked for the truth.
        standings = await self._standings(by, {_key(org) for org in named})
        return PrivatePackageAccess(by, account, standings)

    async def viewer(self, by: Principal) -> Viewer:
        """Return whose private packages a search shows to `by`.

        A token for some packages of an organization sees none of its private ones in a search.
        """
        reach = await self.private_access(by)
        if reach.covers_everything:
            return Viewer(sees_everything=True)
        return Viewer(reach.organizations())

    async def _standings(self, by: Principal, orgs: set[OrgName]) -> dict[OrgName, AccessContext]:
        ordered = sorted(orgs)
        found = await asyncio.gather(*(self.access_context(by, org) for org in ordered))
        return dict(zip(ordered, found, strict=True))

    async def access_context(self, by: Principal, org: OrgName) -> AccessContext:
        """Return what `by` is where the organization is concerned; the operator is everything."""
        if by.is_operator:
            return NO_ACCESS
        return await self.directory.standing(by.id, org, self.clock.now_ms())


def _publishes_nowhere(members: Sequence[Membership]) -> str:
    orgs = " and ".join(sorted(each.org for each in members))
    only = f"you are only member of {orgs}" if orgs else "you belong to no organization"
    return f"{only}. Ask an owner to make you maintainer, or found an organization of your own"


def _belongs(by: Principal, standing: AccessContext, org: OrgName) -> bool:
    is_known = standing.role is not None or bool(by.roles_in(org))
    return is_known or standing.is_administrator or by.is_operator


def _key(org: str) -> OrgName:
    return OrgName(org.lower())


def _may_read(by: Principal, standing: AccessContext | None, resource: Resource) -> bool:
    return standing is not None and refusal_of(by, standing, Action.READ, resource) is None


def _is_public(head: Head) -> bool:
    return head.visibility is Visibility.PUBLIC


def _reads_everything(by: Principal) -> bool:
    return any(
        Scope.READ in grant.scopes and grant.org == ANY_NAME and grant.package == ANY_NAME
        for grant in by.grants
    )


@dataclass(frozen=True, slots=True)
class Administration:
    """Asks the directory each time whether an account administers the registry."""

    directory: DirectoryStore
    clock: Clock

    async def require(self, by: Principal, verb: str, what: str) -> None:
        """Raise unless `by` runs the registry: an administrator, by a credential that manages
        everything, or the operator. One call of the store, and none for the operator.

        Raises `CredentialsMissing` or `NotPermitted`; verb and what complete "You may not …".
        """
        if by.is_anonymous:
            raise CredentialsMissing
        if by.is_operator:
            return
        account = await self.directory.get(Account, Place(by.id))
        if account is None or not account.administrator or account.is_locked:
            raise NotPermitted(verb, what, "it takes being administrator of the registry")
        if not _manages_everything(by):
            raise NotPermitted(verb, what, "the token does not manage everything")

    async def require_fresh(self, by: Principal, verb: str, what: str) -> None:
        """Raise as `require` does, and `SignInAgain` unless they signed in a moment ago."""
        await self.require(by, verb, what)
        if not by.is_operator and not by.is_fresh(self.clock.now_ms()):
            raise SignInAgain(verb, what)


def _manages_everything(by: Principal) -> bool:
    scope, _ = RIGHTS[Action.OPERATE]
    return any(
        scope in grant.scopes and grant.org == ANY_NAME and grant.package == ANY_NAME
        for grant in by.grants
    )
