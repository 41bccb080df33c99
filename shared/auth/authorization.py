"""Authorization: reads the roles of a principal, and applies the table of rights to them.

The table, and the reasons for a refusal, are in `shared/domain/access_rights.py`.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from shared.auth.known_readers import KnownReaders
from shared.domain.access_rights import (
    MISSING_PUBLISHING_SCOPES,
    NO_CONTEXT,
    PUBLISHING_ROLES,
    WAY_TO_RENEW,
    AccessContext,
    reason_of_end,
    refusal_of,
    require_right,
)
from shared.domain.accounts import Account
from shared.domain.coordinates import Package
from shared.domain.entities import Place
from shared.domain.errors.identity import (
    GrantMissing,
    NotPermitted,
    OrganizationMissing,
    TokenUnknown,
    credentials_missing,
    organization_not_found,
)
from shared.domain.grants import ANY_NAME
from shared.domain.memberships import GroupRole, Membership
from shared.domain.names import OrgName, way_to_rename
from shared.domain.packages import Head
from shared.domain.principals import Principal
from shared.domain.scopes import PUBLISHING_SCOPES, PUSH_ACTIONS, Action, Resource, Scope, org_of
from shared.domain.search import Viewer
from shared.domain.trusted_publishing.run_limits import limits_of_run
from shared.domain.visibility import EVERYBODY, STAFF, Visibility
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock

_ANYTHING = "any package"


class PrivatePackageAccess(Struct, frozen=True):
    """The packages that are not public and that a principal may read, at the time of the
    request."""

    by: Principal
    account: Account | None = None
    access_contexts: Mapping[OrgName, AccessContext] = field(
        default_factory=dict[OrgName, AccessContext]
    )
    administers: bool = False

    @property
    def covers_everything(self) -> bool:
        return self.by.is_operator or (self.administers and _reads_everything(self.by))

    def readers(self) -> frozenset[str]:
        """Return the readers, as `Head.readers` says, that the principal is one of: the
        organizations whose packages are all readable, and staff."""
        orgs = frozenset(
            org for org, access in self.access_contexts.items() if _may_read(self.by, access, org)
        )
        return orgs | {STAFF} if _reads_every_internal(self.by, self._no_membership) else orgs

    def covers(self, head: Head) -> bool:
        """Check whether the package is readable; public packages always are."""
        access = self.access_contexts.get(_key(head.org), self._no_membership)
        return _is_public(head) or _may_read_package(self.by, access, head)

    @property
    def _no_membership(self) -> AccessContext:
        return AccessContext(self.account, organization=None, role=None)


class Authorization(Struct, frozen=True):
    """Checks rights; reads accounts and memberships for each request, except for reading what a
    credential is known to read (`KnownReaders`)."""

    directory: DirectoryStore
    clock: Clock
    readers: "KnownReaders"
    base_url: str
    founding: str  # Who may create organizations, as in the settings.

    async def require(self, by: Principal, action: Action, resource: Resource) -> AccessContext:
        """Return the access context of `by`, or raise the refusal if `by` may not do `action`.

        For publishing and deprecating, whose clients have to say which role is missing; for all
        else, `require_in_organization`. A hidden organization is refused like one that does not
        exist. One call of the store; none for requests without credentials and for the operator.
        """
        if by.is_anonymous:
            raise credentials_missing()
        access = await self.access_context(by, org_of(resource))
        try:
            require_right(by, access, action, resource)
        except OrganizationMissing as missing:
            renamed = way_to_rename(org_of(resource)) if action in PUSH_ACTIONS else ""
            way_out = renamed or f"{self._way_to_organization}, or correct its name."
            raise OrganizationMissing(action.verb, resource, missing.org, way_out) from None
        except GrantMissing as missing:
            way_out = self._way_to_publish(by)
            raise NotPermitted(action.verb, resource, missing.reason, way_out) from None
        return access

    def _way_to_publish(self, by: Principal) -> str:
        if by.provenance is None:
            page = f"{self.base_url}/account/tokens?for=push"
            return f"Create a token that may publish at {page}."
        page = f"{self.base_url}/account/organizations/{by.organization}/publishers"
        return f"An owner of {by.organization} sets which runs may publish, at {page}."

    @property
    def _way_to_organization(self) -> str:
        if self.founding == "anyone":
            return f"Create it on {self.base_url}/account/organizations"
        return "Ask an administrator of this registry to create it"

    async def require_publisher(self, by: Principal, of: Package | None = None) -> None:
        """Raise unless `by` may publish in some organization; a refusal names the package `of`.

        Checked before an archive is read, since only the archive names its package; the right to
        that package is checked afterwards. The list of memberships may lag behind, so somebody
        who was just invited may have to repeat a push.
        """
        if by.is_anonymous:
            raise credentials_missing()
        if by.is_operator:
            return
        if not by.organization:
            await self._require_membership(by, of)
        if not any(grant.scopes & PUBLISHING_SCOPES for grant in by.grants):
            is_job = by.provenance is not None
            reason = limits_of_run(by, of) if is_job else MISSING_PUBLISHING_SCOPES
            raise NotPermitted("publish", of or _ANYTHING, reason, self._way_to_publish(by))

    async def require_any_membership(self, by: Principal) -> None:
        """Raise unless `by` belongs to some organization, as its member or with its credential.

        Checked before an archive that is not to be published is read, as `require_publisher` is
        before others; the right to its package is checked afterwards.
        """
        if by.is_anonymous:
            raise credentials_missing()
        if by.is_operator or by.organization:
            return
        members, account = await self._memberships(by)
        now_ms = self.clock.now_ms()
        is_member = any(each.role_at(now_ms) for each in members)
        if not is_member and not account.administers_at(now_ms):
            reason = "you belong to no organization"
            raise NotPermitted("check", _ANYTHING, reason, way_out=self._first_role)

    async def access_of_reader_or_job(
        self, by: Principal, package: Package
    ) -> AccessContext | None:
        """Return the access by which `by` reads what the organization of the package keeps for
        itself, as far as the credential covers the package; None for others.

        One call of the store. CI jobs read as well, unlike in `access_of_member`.
        """
        access = await self.access_context(by, package.org)
        return access if _may_read(by, access.for_reading, package) else None

    async def _require_membership(self, by: Principal, of: Package | None) -> None:
        members, account = await self._memberships(by)
        now_ms = self.clock.now_ms()
        publishes = any(each.role_at(now_ms) in PUBLISHING_ROLES for each in members)
        if not publishes and not account.administers_at(now_ms):
            if of and (renamed := way_to_rename(of.org)):
                access = await self.directory.access_context(by.id, of.org, now_ms)
                if access.seen_by(by, of.org).organization is None:
                    raise OrganizationMissing("publish", of, of.org, way_out=renamed)
            ended = _ended_publishing_role(members, now_ms)
            if ended is not None:
                reason = reason_of_end(*ended)
                raise NotPermitted("publish", of or _ANYTHING, reason, way_out=WAY_TO_RENEW)
            reason = _missing_role_reason(members, now_ms)
            raise NotPermitted("publish", of or _ANYTHING, reason, way_out=self._first_role)

    async def _memberships(self, by: Principal) -> tuple[Sequence[Membership], Account]:
        """Return the memberships of `by`, whose list may lag behind, and the account; raise
        `TokenUnknown` if there is none."""
        members, account = await asyncio.gather(
            self.directory.list_by_subject(Membership, by.id),
            self.directory.get(Account, Place(by.id)),
        )
        if account is None:
            raise TokenUnknown
        return members, account

    @property
    def _first_role(self) -> str:
        """How to get a role that publishes."""
        if self.founding == "anyone":
            created = f"create one of your own on {self.base_url}/account/organizations"
        else:
            created = "ask an administrator of this registry to create one for you"
        return f"Ask an owner of an organization to make you maintainer, or {created}."

    async def require_in_organization(
        self, by: Principal, action: Action, resource: Resource
    ) -> AccessContext:
        """Return the access by which `by` may do `action` inside an organization, or with a package
        of it that is not frozen.

        Others than its members get what `require_member` raises.
        """
        access = await self.require_member(by, org_of(resource))
        require_right(by, access, action, resource)
        return access

    async def require_to_read(
        self, by: Principal, action: Action, resource: Resource
    ) -> AccessContext:
        """Return the access by which `by` may read what takes the right to `action`, as
        `require_in_organization` does; what is frozen is read as before."""
        access = await self.require_member(by, org_of(resource))
        require_right(by, access.for_reading, action, resource)
        return access

    async def require_member(self, by: Principal, org: OrgName) -> AccessContext:
        """Return the access context of a member of the organization, whatever they may do.

        Raises `organization-not-found` for others, whether it exists or not. One call of the store.
        """
        if by.is_anonymous:
            raise credentials_missing()
        access = await self.directory.access_context(by.id, org, self.clock.now_ms())
        access.require_organization(org)
        if not access.is_of_member(by, org):
            raise organization_not_found(org)
        return access

    async def access_of_member(self, by: Principal, package: Package) -> AccessContext | None:
        """Return the access of a member of the organization whose credential reads the package;
        None for everybody else, and for CI jobs, which are no members.

        One call of the store, and none for requests without credentials and for the operator.
        """
        if by.is_anonymous or by.provenance is not None:
            return None
        org = org_of(package)
        access = await self.access_context(by, org)
        is_member = access.is_of_member(by, org) and _may_read(by, access.for_reading, package)
        return access if is_member else None

    async def may_read(self, by: Principal, head: Head) -> bool:
        """Check whether `by` may read the package; for a public one no store is called."""
        return head.key in await self.readable(by, [(head.package, head)])

    def read_check(self, by: Principal) -> "RecordingReadCheck":
        """Return the check of what `by` may read, for one call of a reader of packages."""
        return RecordingReadCheck(self, by)

    async def readable(
        self, by: Principal, requested: Iterable[tuple[Package, Head | None]]
    ) -> frozenset[str]:
        """Return the keys of the requested packages that `by` may read; the head of one that does
        not exist is None.

        Calls the store once, concurrently, for each organization of a package that is not public
        or missing: the calls do not tell which. It is not called for those of which `by` is known
        to read every package, where each change of that is known at once.
        """
        found = list(requested)
        hidden = [package for package, head in found if head is None or not _is_public(head)]
        if not hidden:
            return frozenset(package.key for package, _ in found)
        orgs = set[OrgName]() if by.is_anonymous else {_key(package.org) for package in hidden}
        # Whether the caller reads internal packages of others does not only depend on the
        # organization.
        internal = {_key(head.org) for _, head in found if head and _is_internal(head)}
        known = {org for org in orgs - internal if self.readers.includes_now(by, org)}
        edition_number = self.readers.edition_number
        access_contexts = await self._access_contexts(by, orgs - known)
        readers: set[str] = {
            org for org, access in access_contexts.items() if _may_read(by, access, org)
        }
        if any(_reads_every_internal(by, access) for access in access_contexts.values()):
            readers.add(STAFF)
        self.readers.note(by, readers, edition_number)
        return frozenset(
            package.key
            for package, head in found
            if head
            and (
                head.readers in (EVERYBODY, *known)
                or _may_read_package(by, access_contexts.get(_key(head.org)), head)
            )
        )

    async def private_access(self, by: Principal) -> PrivatePackageAccess:
        """Return which private packages `by` may read.

        The calls depend on `by` alone, for responses that list packages which the request does not
        name: calls for the organizations of hidden packages would tell that they exist.
        """
        if by.is_operator or by.is_anonymous:
            return PrivatePackageAccess(by)
        account = await self.directory.get(Account, Place(by.id))
        members = await self.directory.list_by_subject(Membership, by.id)
        named = {each.org for each in members} | {by.organization} - {""}
        # The list of memberships may lag behind, so each organization is read.
        access_contexts = await self._access_contexts(by, {_key(org) for org in named})
        administers = account is not None and account.administers_at(self.clock.now_ms())
        return PrivatePackageAccess(by, account, access_contexts, administers)

    async def viewer(self, by: Principal) -> Viewer:
        """Return which packages that are not public a search shows to `by`.

        A token for some packages of an organization finds none of its private ones.
        """
        private = await self.private_access(by)
        if private.covers_everything:
            return Viewer(sees_everything=True)
        return Viewer(private.readers())

    async def _access_contexts(
        self, by: Principal, orgs: set[OrgName]
    ) -> dict[OrgName, AccessContext]:
        ordered = sorted(orgs)
        found = await asyncio.gather(*(self.access_context(by, org) for org in ordered))
        return dict(zip(ordered, found, strict=True))

    async def access_context(self, by: Principal, org: OrgName) -> AccessContext:
        """Return the access context of `by` in the organization; the operator needs none."""
        if by.is_operator:
            return NO_CONTEXT
        return await self.directory.access_context(by.id, org, self.clock.now_ms())


class RecordingReadCheck:
    """A `ReadCheck` that remembers who reads the packages that it was asked about: an answer
    depends on a hidden package as well, which its readers get."""

    def __init__(self, authorization: Authorization, by: Principal) -> None:
        self._authorization = authorization
        self._by = by
        self._readers = set[str]()

    async def __call__(self, requested: Sequence[tuple[Package, Head | None]], /) -> frozenset[str]:
        for _, head in requested:
            if head is not None and not _is_public(head):
                self._readers.add(head.readers)
        return await self._authorization.readable(self._by, requested)

    @property
    def readers(self) -> frozenset[str]:
        """The readers, as `Head.readers` says, of those of the packages that are not public."""
        return frozenset(self._readers)


def _ended_publishing_role(
    members: Sequence[Membership], now_ms: int
) -> tuple[str, GroupRole] | None:
    """Return a role by groups that published until it ended, with its organization."""
    found = ((each.org, each.ended_group_at(now_ms)) for each in members)
    ended = [(org, group) for org, group in found if group and group.role in PUBLISHING_ROLES]
    return max(ended, key=lambda each: each[1].until_ms, default=None)


def _missing_role_reason(members: Sequence[Membership], now_ms: int) -> str:
    orgs = " and ".join(sorted(each.org for each in members if each.role_at(now_ms)))
    return f"you are only member of {orgs}" if orgs else "you belong to no organization"


def _key(org: str) -> OrgName:
    return OrgName(org.lower())


def _may_read(by: Principal, access: AccessContext | None, resource: Resource) -> bool:
    return access is not None and refusal_of(by, access, Action.READ, resource) is None


def _may_read_package(by: Principal, access: AccessContext | None, head: Head) -> bool:
    """Check whether `by` reads a package that is not public, with this access to its
    organization."""
    if not _is_internal(head):
        return _may_read(by, access, head.package)
    covers = bool(head.upstream) or by.reads_every_internal or by.allows(Scope.READ, head.package)
    if access is not None and _is_known(by, access) and by.reads_internal and covers:
        return True
    return by.is_operator or (not head.upstream and _may_read(by, access, head.package))


def _reads_every_internal(by: Principal, access: AccessContext) -> bool:
    return by.is_operator or (_is_known(by, access) and by.reads_every_internal)


def _is_known(by: Principal, access: AccessContext) -> bool:
    return access.account is not None or bool(by.organization)


def _is_public(head: Head) -> bool:
    return head.visibility is Visibility.PUBLIC


def _is_internal(head: Head) -> bool:
    return head.visibility is Visibility.INTERNAL


def _reads_everything(by: Principal) -> bool:
    return any(
        Scope.READ in grant.scopes and grant.org == ANY_NAME and grant.package == ANY_NAME
        for grant in by.grants
    )
