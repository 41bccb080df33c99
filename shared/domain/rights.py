"""Rights: scopes, roles, actions, the table of rights, and the same table for people
(docs/reference/rights.md).
"""

from collections.abc import Iterator
from enum import Enum
from fnmatch import fnmatchcase

from shared.domain.names import OrgName, Package
from shared.domain.records import Record

# What an action applies to: a package, or a whole organization.
Resource = Package | OrgName


class Scope(Enum):
    """A set of actions that a credential permits; every action needs one."""

    READ = "read"
    PUSH_NEW = "push-new"
    PUSH_VERSION = "push-version"
    DEPRECATE = "deprecate"
    MANAGE = "manage"


class Role(Enum):
    """The role of an account in an organization."""

    OWNER = "owner"
    MAINTAINER = "maintainer"
    MEMBER = "member"


class Action(Enum):
    """Something that a principal may do with a package or an organization."""

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
        """The verb after "You may not …"; the same for new and existing packages."""
        return "publish" if self in PUSH_ACTIONS else self.value


# The table of rights: an action needs this scope of the credential, and one of these roles in the
# organization. Administrators have every role everywhere, and only they may OPERATE. READ is
# checked for private packages only, because everybody may read public ones.
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

# Actions that also require a recent sign-in: those that give somebody a way to publish that
# outlives the credential (roles, invitations, tokens of organizations, publishers), owners,
# visibility, transfers, deletion, tokens with the scope manage, and changes of the whole
# registry. No token is enough, whatever its scopes.
RECENT_SIGN_IN_ACTIONS = frozenset({Action.GOVERN, Action.OPERATE})

# Refused in an organization that is being deleted.
PUSH_ACTIONS = frozenset({Action.PUSH_NEW, Action.PUSH_VERSION})

PUBLISHING_SCOPES = frozenset({Scope.PUSH_NEW, Scope.PUSH_VERSION})

PUBLISHING_ROLES = RIGHTS[Action.PUSH_VERSION][1]  # The roles that publish anything.

ANY_NAME = "*"


class Grant(Record):
    """Scopes on the packages that match both patterns (`*` and `?`)."""

    scopes: frozenset[Scope] = frozenset(Scope)
    org: str = ANY_NAME
    package: str = ANY_NAME

    def covers(self, scope: Scope, resource: Resource) -> bool:
        return scope in self.scopes and self._matches(resource)

    def includes(self, other: "Grant") -> bool:
        """Check whether a holder of this grant may create one with `other`: nobody grants more than
        they have.

        A pattern includes itself, and `*` includes every pattern; others are not compared.
        """
        return (
            other.scopes <= self.scopes
            and self.org in (ANY_NAME, other.org)
            and self.package in (ANY_NAME, other.package)
        )

    def _matches(self, resource: Resource) -> bool:
        if isinstance(resource, Package):
            return matches_pattern(resource.org, self.org) and matches_pattern(
                resource.name, self.package
            )
        # A grant for some packages of an organization does not cover the organization itself.
        return matches_pattern(resource, self.org) and self.package == ANY_NAME


class RoleGrant(Record):
    """A role that a credential grants itself, in the organizations that match the pattern.

    With `scopes`, scopes and role apply together only. With None, the grants of the credential
    decide.
    """

    org: str
    role: Role
    scopes: frozenset[Scope] | None = None


def org_of(resource: Resource) -> OrgName:
    return resource.org if isinstance(resource, Package) else resource


def is_pattern(text: str) -> bool:
    """Check whether the text has wildcards."""
    return any(character in text for character in "*?[")


def matches_pattern(name: str, pattern: str) -> bool:
    """Match a name against a pattern, without case."""
    return fnmatchcase(name.lower(), pattern.lower())


_HEAD = (
    "to …", "scope", *(role.value for role in Role), "administrator",
    "token of an organization", "token of a CI job", "signed in within 10 minutes",
)  # fmt: skip

# The scopes of tokens that belong to no person; they have the role maintainer.
MACHINE_SCOPES = frozenset(Scope) - {Scope.MANAGE}
JOB_SCOPES = PUBLISHING_SCOPES

_WORDS = {
    Action.READ: "see and pull a private package",
    Action.PUSH_NEW: "publish a new package",
    Action.PUSH_VERSION: "publish a version",
    Action.DEPRECATE: "deprecate and undeprecate",
    Action.MANAGE: "manage: invite and remove members with the role member; remove roles "
    "and tokens; read the audit log",
    Action.LEAVE: "leave the organization",
    Action.GOVERN: "govern: grant roles that publish, change owners, create tokens of the "
    "organization and trusted publishers; visibility, held releases, deletion",
    Action.OPERATE: "moderate and administer the registry",
}


def rights_table() -> str:
    """Return the table of rights in Markdown, a row for each action."""
    rows = [_HEAD, ("---",) * len(_HEAD), *(tuple(_cells(action)) for action in Action)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cells(action: Action) -> Iterator[str]:
    scope, roles = RIGHTS[action]
    yield _WORDS[action]
    yield f"`{scope.value}`"
    yield from (_yes(role in roles) for role in Role)
    yield _yes(True)  # Administrators hold every role everywhere.
    for scopes in (MACHINE_SCOPES, JOB_SCOPES):
        yield _yes(
            Role.MAINTAINER in roles and scope in scopes and action not in RECENT_SIGN_IN_ACTIONS
        )
    yield _yes(action in RECENT_SIGN_IN_ACTIONS)


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "-"
