"""What may be done by whom: scopes, roles, actions, and the one table of rights."""

from enum import Enum
from fnmatch import fnmatchcase

from shared.domain.names import OrgName, Package
from shared.domain.package import Record

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
    LEAVE = "leave"
    GOVERN = "govern"
    OPERATE = "moderate"

    @property
    def verb(self) -> str:
        """Return what completes "You may not …": alike for a new package and a known one."""
        return "publish" if self in PUSHES else self.value


# The table of rights: an action needs this scope of the credential, and one of these roles in the
# organization. Administrators hold every role everywhere; OPERATE is theirs alone. Reading is asked
# about private packages only: everybody reads public ones.
RIGHTS: dict[Action, tuple[Scope, frozenset[Role]]] = {
    Action.READ: (Scope.READ, frozenset({Role.OWNER, Role.MAINTAINER, Role.MEMBER})),
    Action.PUSH_NEW: (Scope.PUSH_NEW, frozenset({Role.OWNER, Role.MAINTAINER})),
    Action.PUSH_VERSION: (Scope.PUSH_VERSION, frozenset({Role.OWNER, Role.MAINTAINER})),
    Action.DEPRECATE: (Scope.DEPRECATE, frozenset({Role.OWNER, Role.MAINTAINER})),
    Action.MANAGE: (Scope.MANAGE, frozenset({Role.OWNER})),
    Action.LEAVE: (Scope.MANAGE, frozenset(Role)),
    Action.GOVERN: (Scope.MANAGE, frozenset({Role.OWNER})),
    Action.OPERATE: (Scope.MANAGE, frozenset()),
}

# What also takes a person who signed in a moment ago: whatever gives somebody a way to publish that
# outlives the credential (roles, invitations, tokens of organizations, publishers), owners,
# domains, visibility, transfers, deletion, tokens that manage, and what holds for the whole
# registry. No token is enough, however much it allows.
FRESH = frozenset({Action.GOVERN, Action.OPERATE})

# What nobody does in an organization that is being deleted.
PUSHES = frozenset({Action.PUSH_NEW, Action.PUSH_VERSION})

PUBLISHING = frozenset({Scope.PUSH_NEW, Scope.PUSH_VERSION})

PUBLISHERS = RIGHTS[Action.PUSH_VERSION][1]  # The roles that publish anything.

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
            return fits(resource.org, self.org) and fits(resource.name, self.package)
        # A grant on some packages of an organization is none on the organization itself.
        return fits(resource, self.org) and self.package == ANY


class Holding(Record):
    """A role that a credential brings itself, in the organizations that match the pattern.

    With scopes it is a right of its own: they count with this role alone, and this role with them
    alone. None is what the grants of the credential allow.
    """

    org: str
    role: Role
    scopes: frozenset[Scope] | None = None


def org_of(resource: Resource) -> OrgName:
    """Return the organization of a resource."""
    return resource.org if isinstance(resource, Package) else resource


def is_pattern(text: str) -> bool:
    """Say whether the text may stand for more than one name."""
    return any(character in text for character in "*?[")


def fits(name: str, pattern: str) -> bool:
    """Say whether a name matches a pattern, without case."""
    return fnmatchcase(name.lower(), pattern.lower())
