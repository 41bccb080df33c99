"""Who is asking and what they may do: principals, roles, scopes, and the one table of rights."""

from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase

from shared.domain.errors import (
    CredentialsMissing,
    NameReserved,
    NotPermitted,
    Refusal,
    TokenUnknown,
)
from shared.domain.names import OrgName, Package, is_reserved
from shared.domain.package import Event, Record

# What an action is about: a package, or a whole organization.
Resource = Package | OrgName


class Scope(Enum):
    """What a credential is good for; every action needs one."""

    READ = "read"
    PUSH_NEW = "push-new"
    PUSH_VERSION = "push-version"
    DEPRECATE = "deprecate"
    MANAGE = "manage"


class Role(Enum):
    """What an account is in an organization."""

    OWNER = "owner"
    MAINTAINER = "maintainer"
    MEMBER = "member"


class Action(Enum):
    """What a principal wants to do."""

    READ = "read"
    PUSH_NEW = "publish the new package"
    PUSH_VERSION = "publish a version of"
    DEPRECATE = "deprecate"
    MANAGE = "manage"
    OPERATE = "moderate"

    @property
    def verb(self) -> str:
        """Return what completes "You may not …": alike for a new package and a known one."""
        return "publish" if self in (Action.PUSH_NEW, Action.PUSH_VERSION) else self.value


# The table of rights: an action needs this scope of the credential, and one of these roles in the
# organization. Administrators hold every role everywhere; OPERATE is theirs alone. Reading is asked
# about private packages only: everybody reads public ones.
RIGHTS: dict[Action, tuple[Scope, frozenset[Role]]] = {
    Action.READ: (Scope.READ, frozenset({Role.OWNER, Role.MAINTAINER, Role.MEMBER})),
    Action.PUSH_NEW: (Scope.PUSH_NEW, frozenset({Role.OWNER, Role.MAINTAINER})),
    Action.PUSH_VERSION: (Scope.PUSH_VERSION, frozenset({Role.OWNER, Role.MAINTAINER})),
    Action.DEPRECATE: (Scope.DEPRECATE, frozenset({Role.OWNER, Role.MAINTAINER})),
    Action.MANAGE: (Scope.MANAGE, frozenset({Role.OWNER})),
    Action.OPERATE: (Scope.MANAGE, frozenset()),
}

ANY = "*"


class Grant(Record):
    """What a credential allows: scopes, on the packages that match both patterns (`*` and `?`)."""

    scopes: frozenset[Scope] = frozenset(Scope)
    org: str = ANY
    package: str = ANY

    def covers(self, scope: Scope, resource: Resource) -> bool:
        """Say whether this grant allows `scope` on `resource`."""
        return scope in self.scopes and self._matches(resource)

    def includes(self, other: "Grant") -> bool:
        """Say whether whoever holds this grant may hand out `other`: nobody gives what they lack.

        A pattern holds itself, and `*` every other; patterns are not compared further than that.
        """
        return (
            other.scopes <= self.scopes
            and self.org in (ANY, other.org)
            and self.package in (ANY, other.package)
        )

    def _matches(self, resource: Resource) -> bool:
        if isinstance(resource, Package):
            return _fits(resource.org, self.org) and _fits(resource.name, self.package)
        # A grant on some packages of an organization is none on the organization itself.
        return _fits(resource, self.org) and self.package == ANY


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name.lower(), pattern.lower())


class Account(Record):
    """A person, or the operator of this registry."""

    id: str
    name: str
    administrator: bool = False
    created_ms: int
    revision: int = 1
    outbox: tuple[Event, ...] = ()


class Organization(Record):
    """The owner of packages; `name` keeps its first spelling, and is never issued twice."""

    name: str
    founder: str
    created_ms: int
    deleted: bool = False
    revision: int = 1
    outbox: tuple[Event, ...] = ()

    @property
    def key(self) -> str:
        """Return what organizations are compared by."""
        return self.name.lower()


class Membership(Record):
    """An account's role in an organization."""

    org: str
    account: str
    role: Role


class Token(Record):
    """An access token as it is stored: its hash, never its text."""

    id: str
    hash: str
    owner: str
    name: str
    grants: tuple[Grant, ...]
    created_ms: int
    expires_ms: int | None
    last_used_ms: int | None = None


OPERATOR_ID = "operator"  # Shorter than any account's id, so no account and no token has it.


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a request: an account id, the credential it came by, and what that allows.

    An empty id is nobody: a request without credentials. `expires_ms` is when a token ends, and
    with it every token that is made by it.
    """

    id: str = ""
    credential: str = ""
    grants: tuple[Grant, ...] = ()
    expires_ms: int | None = None

    @property
    def is_anonymous(self) -> bool:
        """Say whether the request came without credentials."""
        return not self.id

    @property
    def is_operator(self) -> bool:
        """Say whether this is whoever runs commands on the registry's own machine."""
        return self.id == OPERATOR_ID

    def may_use(self, scope: Scope, resource: Resource) -> bool:
        """Say whether the credential allows `scope` on `resource`."""
        return any(grant.covers(scope, resource) for grant in self.grants)

    def may_hand_out(self, wanted: Grant) -> bool:
        """Say whether the credential may make another that holds `wanted`."""
        return any(Scope.MANAGE in grant.scopes and grant.includes(wanted) for grant in self.grants)


ANONYMOUS = Principal()
OPERATOR = Principal(id=OPERATOR_ID, credential="console", grants=(Grant(),))


@dataclass(frozen=True, slots=True)
class Standing:
    """What the stores say of an account and an organization at the moment of a request."""

    account: Account | None
    organization: Organization | None
    role: Role | None

    @property
    def is_administrator(self) -> bool:
        """Say whether the account administers the registry."""
        return self.account is not None and self.account.administrator

    @property
    def is_deleted(self) -> bool:
        """Say whether the organization was there and is gone."""
        return self.organization is not None and self.organization.deleted


NOWHERE = Standing(account=None, organization=None, role=None)


def require(principal: Principal, standing: Standing, action: Action, resource: Resource) -> None:
    """Raise the refusal that tells why `principal` may not do `action` on `resource`.

    Raises `CredentialsMissing`, `TokenUnknown`, `NameReserved` or `NotPermitted`; returns when it
    is allowed.
    """
    refusal = refusal_of(principal, standing, action, resource)
    if refusal is not None:
        raise refusal


def refusal_of(
    principal: Principal, standing: Standing, action: Action, resource: Resource
) -> Refusal | None:
    """Return why `principal` may not do `action` on `resource`; None means that they may."""
    if principal.is_anonymous:
        return CredentialsMissing()
    if principal.is_operator:
        return None
    if standing.account is None:
        return TokenUnknown()
    scope, roles = RIGHTS[action]
    # Role before scope: the scope that is missing tells a new package from one that is there, and
    # that is for members alone to know.
    refusal = _refusal_of_role(standing, action, resource, roles)
    if refusal is None and not principal.may_use(scope, resource):
        return NotPermitted(action.verb, resource, f"the token lacks the scope {scope.value} here")
    return refusal


def _refusal_of_role(
    standing: Standing, action: Action, resource: Resource, roles: frozenset[Role]
) -> Refusal | None:
    org = resource.org if isinstance(resource, Package) else resource
    if standing.is_deleted and action is not Action.OPERATE:
        reason = f"the organization {org} was deleted, and names are never issued twice"
        return NotPermitted(action.verb, resource, reason)
    if standing.is_administrator or standing.role in roles:
        return None
    if standing.role is None and is_reserved(org):
        return NameReserved(org)
    return NotPermitted(action.verb, resource, _missing_role(org, standing, roles))


def _missing_role(org: OrgName, standing: Standing, roles: frozenset[Role]) -> str:
    if not roles:
        return "it takes being administrator of the registry"
    if standing.organization is None:
        return f"the organization {org} does not exist; ask the operator to create it"
    needed = " or ".join(sorted(role.value for role in roles))
    return f"it takes being {needed} of {org}"
