"""Principals: who makes a request, and what their credential allows."""

from dataclasses import dataclass
from datetime import timedelta

from shared.domain.errors.identity import SignInAgain
from shared.domain.names import OrgName
from shared.domain.packages import Provenance
from shared.domain.rights import (
    Grant,
    Resource,
    Role,
    RoleGrant,
    Scope,
    is_pattern,
    matches_pattern,
    org_of,
)
from shared.domain.times import MS

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
