"""Who is asking and what they may do: principals, roles, scopes, and the one table of rights."""

from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase

from shared.domain.errors import CredentialsMissing, NameReserved, NotPermitted
from shared.domain.names import OrgName, Package, is_reserved
from shared.domain.package import Event, Record


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
    """What a principal wants to do; the value completes the sentence "You may not …"."""

    READ = "read"
    PUSH_NEW = "publish the new package"
    PUSH_VERSION = "publish a version of"
    DEPRECATE = "deprecate"
    MANAGE = "manage"
    OPERATE = "moderate"


# The table of rights: an action needs this scope of the credential, and one of these roles in the
# organization. Administrators hold every role everywhere; OPERATE is theirs alone.
RIGHTS: dict[Action, tuple[Scope, frozenset[Role]]] = {
    Action.READ: (Scope.READ, frozenset({Role.OWNER, Role.MAINTAINER, Role.MEMBER})),
    Action.PUSH_NEW: (Scope.PUSH_NEW, frozenset({Role.OWNER, Role.MAINTAINER})),
    Action.PUSH_VERSION: (Scope.PUSH_VERSION, frozenset({Role.OWNER, Role.MAINTAINER})),
    Action.DEPRECATE: (Scope.DEPRECATE, frozenset({Role.OWNER, Role.MAINTAINER})),
    Action.MANAGE: (Scope.MANAGE, frozenset({Role.OWNER})),
    Action.OPERATE: (Scope.MANAGE, frozenset()),
}


class Grant(Record):
    """What a credential allows: scopes, on the packages that match both patterns (`*` and `?`)."""

    scopes: frozenset[Scope] = frozenset(Scope)
    org: str = "*"
    package: str = "*"

    def covers(self, scope: Scope, package: Package) -> bool:
        """Say whether this grant allows `scope` on `package`."""
        return (
            scope in self.scopes
            and fnmatchcase(package.org.lower(), self.org.lower())
            and fnmatchcase(package.name.lower(), self.package.lower())
        )


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


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a request: an account id, the credential it came by, and what that allows.

    An empty id is nobody: a request without credentials.
    """

    id: str = ""
    credential: str = ""
    grants: tuple[Grant, ...] = ()

    @property
    def is_anonymous(self) -> bool:
        """Say whether the request came without credentials."""
        return not self.id

    def may_use(self, scope: Scope, package: Package) -> bool:
        """Say whether the credential allows `scope` on `package`."""
        return any(grant.covers(scope, package) for grant in self.grants)


ANONYMOUS = Principal()


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


def require(principal: Principal, standing: Standing, action: Action, package: Package) -> None:
    """Raise the refusal that tells why `principal` may not do `action` on `package`.

    Raises `CredentialsMissing`, `NameReserved` or `NotPermitted`; returns when it is allowed.
    """
    if principal.is_anonymous or standing.account is None:
        raise CredentialsMissing
    scope, roles = RIGHTS[action]
    if not principal.may_use(scope, package):
        raise NotPermitted(action.value, package, f"the token lacks the scope {scope.value} for it")
    if standing.is_administrator:
        return
    if is_reserved(package.org):
        raise NameReserved(package.org)
    if standing.role not in roles:
        raise NotPermitted(action.value, package, _missing_role(package.org, standing, roles))


def _missing_role(org: OrgName, standing: Standing, roles: frozenset[Role]) -> str:
    if standing.organization is None:
        return f"the organization {org} does not exist; ask the operator to create it"
    needed = " or ".join(sorted(role.value for role in roles)) or "administrator of the registry"
    return f"it takes being {needed} of {org}"
