"""Principals: who makes a request, what their credential allows, and which role and scope an
action needs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from fnmatch import fnmatchcase

from shared.domain.errors.identity import SignInAgain
from shared.domain.names import OrgName, Package
from shared.domain.packages import Provenance
from shared.domain.records import Record
from shared.domain.times import MS

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


OPERATOR_ID = "operator"  # Shorter than any account's id, so no account and no token has it.


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a request: an account id, its credential, and what the credential allows.

    The id is empty for a request without credentials. `expires_ms` is when the token expires;
    tokens created with it expire no later. `role_grants` are roles that the credential itself
    grants; with one, no account is needed. `signed_in_ms` is when the person last signed in, None
    for tokens. `address` and `agent` are the client's. `provenance` is the CI job of a job's token.
    `addresses` are the ranges that the token may be used from; empty means everywhere. `token` is
    the id of a stored access token, which marks whatever is created with it; `token_creator` is the
    account that created a token of an organization.
    """

    id: str = ""
    credential: str = ""
    grants: tuple[Grant, ...] = ()
    expires_ms: int | None = None
    role_grants: tuple[RoleGrant, ...] = ()
    signed_in_ms: int | None = None
    address: str = ""
    agent: str = ""
    provenance: Provenance | None = None
    addresses: tuple[str, ...] = ()
    token: str = ""
    token_creator: str = ""

    @property
    def is_anonymous(self) -> bool:
        return not self.id

    @property
    def is_operator(self) -> bool:
        """Whether this is the operator, who runs commands on the registry's machine."""
        return self.id == OPERATOR_ID

    def granted_roles(self, org: OrgName) -> frozenset[Role]:
        """Return the roles in the organization that the credential itself grants."""
        return frozenset(each.role for each in self.role_grants if matches_pattern(org, each.org))

    @property
    def organizations(self) -> frozenset[str]:
        """The organizations that the role grants name, without patterns."""
        return frozenset(each.org.lower() for each in self.role_grants if not is_pattern(each.org))

    @property
    def all_grants(self) -> tuple[Grant, ...]:
        """The grants that need a role of the account, and those with a role of their own."""
        own = [Grant(scopes=each.scopes, org=each.org) for each in self.role_grants if each.scopes]
        return (*self.grants, *own)

    def allows(self, scope: Scope, resource: Resource) -> bool:
        """Check whether a grant covers `scope` on `resource`; its owner needs a role besides."""
        return any(grant.covers(scope, resource) for grant in self.grants)

    def allows_by_role_grant(
        self, scope: Scope, roles: frozenset[Role], resource: Resource
    ) -> bool:
        """Check whether a role grant has one of the roles, and `scope` with that same role."""
        fitting = [each for each in self.role_grants if each.role in roles]
        fitting = [each for each in fitting if matches_pattern(org_of(resource), each.org)]
        return any(
            self.allows(scope, resource) if each.scopes is None else scope in each.scopes
            for each in fitting
        )

    @property
    def reads_internal(self) -> bool:
        """Whether the credential reads internal packages: it has the scope read for anything."""
        return any(Scope.READ in grant.scopes for grant in self.all_grants)

    @property
    def manages_everything(self) -> bool:
        """Whether the credential has the scope manage for all organizations and packages."""
        everything = Grant(scopes=frozenset({Scope.MANAGE}))
        return any(grant.includes(everything) for grant in self.grants)

    def may_grant(self, wanted: Grant) -> bool:
        """Check whether the credential may create another one with the grant `wanted`."""
        return any(Scope.MANAGE in grant.scopes and grant.includes(wanted) for grant in self.grants)


ANONYMOUS = Principal()
OPERATOR = Principal(id=OPERATOR_ID, credential="console", grants=(Grant(),))
UPKEEP = Principal(id="upkeep", credential="upkeep")  # The actor of maintenance tasks.


RECENT_SIGN_IN = timedelta(minutes=10)  # Long enough to read a page before a change.


def is_recently_signed_in(principal: Principal, now_ms: int) -> bool:
    """Check whether the session began at most `RECENT_SIGN_IN` ago; False for tokens."""
    if principal.signed_in_ms is None:
        return False
    return now_ms - principal.signed_in_ms <= RECENT_SIGN_IN // MS


def require_recent_sign_in(by: Principal, now_ms: int, verb: str, what: str) -> None:
    """Raise `SignInAgain` unless `by` is the operator or signed in recently.

    `verb` and `what` complete "To …, sign in again".
    """
    if not by.is_operator and not is_recently_signed_in(by, now_ms):
        raise SignInAgain(verb, what)
