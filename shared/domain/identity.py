"""Principals: who makes a request, their role in the organization, and why they may not do
something.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Self

from shared.domain.accounts import Account
from shared.domain.errors.base import Refusal
from shared.domain.errors.identity import (
    CredentialsMissing,
    NameReserved,
    NotPermitted,
    OrganizationMissing,
    SignInAgain,
    TokenUnknown,
)
from shared.domain.errors.organizations import OrganizationNotFound
from shared.domain.members import Membership
from shared.domain.names import OrgName, is_reserved
from shared.domain.organizations import Organization
from shared.domain.packages import Provenance
from shared.domain.rights import (
    PUBLISHING_SCOPES,
    PUSH_ACTIONS,
    RECENT_SIGN_IN_ACTIONS,
    RIGHTS,
    Action,
    Grant,
    Resource,
    Role,
    RoleGrant,
    Scope,
    is_pattern,
    matches_pattern,
    org_of,
)

RECENT_SIGN_IN = timedelta(minutes=10)  # Long enough to read a page before a change.

MISSING_PUBLISHING_SCOPES = "the token lacks the scopes push-new and push-version"
WAY_TO_PUBLISH = "; create a token that may publish at /account/tokens?for=push"

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

    def signed_in_recently(self, now_ms: int) -> bool:
        if self.signed_in_ms is None:
            return False
        return now_ms - self.signed_in_ms <= RECENT_SIGN_IN // timedelta(milliseconds=1)

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


@dataclass(frozen=True, slots=True)
class AccessContext:
    """Account, organization and role at the time of a request."""

    account: Account | None
    organization: Organization | None
    role: Role | None
    at_ms: int = 0
    sponsor: str = ""  # The account that invited a new member.

    @classmethod
    def of(
        cls,
        account: Account | None,
        organization: Organization | None,
        membership: Membership | None,
        now_ms: int,
    ) -> Self:
        """Read role and sponsor from the membership at that time."""
        role = membership.role_at(now_ms) if membership else None
        sponsor = membership.sponsor_at(now_ms) if membership else ""
        return cls(account, organization, role, now_ms, sponsor)

    @property
    def is_administrator(self) -> bool:
        return self.account is not None and self.account.administrator

    @property
    def is_locked(self) -> bool:
        return self.account is not None and self.account.is_locked

    @property
    def is_deleted(self) -> bool:
        """Whether the organization existed and is deleted."""
        return self.organization is not None and self.organization.is_deleted_at(self.at_ms)

    def is_of_member(self, principal: Principal, org: OrgName) -> bool:
        """Check whether `principal` belongs to the organization; administrators and the operator
        belong to all."""
        has_role = self.role is not None or bool(principal.granted_roles(org))
        return has_role or self.is_administrator or principal.is_operator

    def seen_by(self, principal: Principal, org: OrgName) -> Self:
        """Return the context, without the organization if it is hidden from `principal`."""
        if self.organization is None or not self.organization.is_hidden:
            return self
        return self if self.is_of_member(principal, org) else replace(self, organization=None)

    def require_organization(self, org: OrgName) -> Organization:
        """Return the organization, or raise `OrganizationNotFound`."""
        if self.organization is None or self.is_deleted:
            raise OrganizationNotFound(org)
        return self.organization

    @property
    def is_being_deleted(self) -> bool:
        return self.organization is not None and self.organization.deleting_ms is not None


NO_ACCESS = AccessContext(account=None, organization=None, role=None)


def require_right(
    principal: Principal, access: AccessContext, action: Action, resource: Resource
) -> None:
    """Raise the refusal that `refusal_of` returns, if any.

    Raises `CredentialsMissing`, `TokenUnknown`, `NameReserved`, `NotPermitted` or `SignInAgain`.
    """
    refusal = refusal_of(principal, access, action, resource)
    try:
        if refusal is not None:
            raise refusal
    finally:
        # Its traceback holds this frame, and a variable for it would hold it in turn.
        del refusal


def require_own_account(by: Principal, verb: str, what: str) -> None:
    """Raise unless `by` may manage what belongs to its account and to no organization.

    These are its sessions, identities, tokens, log and data. It takes the scope manage without
    limits: a credential for some organizations or packages manages those alone. Raises
    `CredentialsMissing` or `NotPermitted`; `verb` and `what` complete "You may not …".
    """
    if by.is_anonymous:
        raise CredentialsMissing
    if by.manages_everything:
        return
    if any(Scope.MANAGE in grant.scopes for grant in by.grants):
        reason = "the token is limited to some organizations or packages; use one that is not"
        raise NotPermitted(verb, what, reason)
    raise NotPermitted(verb, what, "the token lacks the scope manage for it")


def refusal_of(
    principal: Principal, access: AccessContext, action: Action, resource: Resource
) -> Refusal | None:
    """Return why `principal` may not do `action` on `resource`; None when it may."""
    if principal.is_anonymous:
        return CredentialsMissing()
    if principal.is_operator:
        return None
    if access.account is None and not principal.role_grants:
        return TokenUnknown()
    # Role before scope: the missing scope reveals whether a package exists, which only members
    # may know.
    return (
        _refusal_of_role(principal, access, action, resource)
        or _refusal_of_scope(principal, access, action, resource)
        or _refusal_of_age(principal, access, action, resource)
    )


def _refusal_of_scope(
    principal: Principal, access: AccessContext, action: Action, resource: Resource
) -> Refusal | None:
    needed, roles = RIGHTS[action]
    is_own = access.is_administrator or access.role in roles

    def is_given(scope: Scope) -> bool:
        # Scope and role must come from the same source.
        by_grant = is_own and principal.allows(scope, resource)
        return by_grant or principal.allows_by_role_grant(scope, roles, resource)

    if is_given(needed):
        return None
    publishes = any(map(is_given, PUBLISHING_SCOPES))
    return NotPermitted(action.verb, resource, _missing_scope(needed, publishes=publishes))


def _missing_scope(scope: Scope, *, publishes: bool) -> str:
    if scope in PUBLISHING_SCOPES and not publishes:
        # Tokens that may not publish here do not learn whether the package exists.
        return f"{MISSING_PUBLISHING_SCOPES} here{WAY_TO_PUBLISH}"
    way_out = WAY_TO_PUBLISH if scope in PUBLISHING_SCOPES else ""
    return f"the token lacks the scope {scope.value} here{way_out}"


def _refusal_of_age(
    principal: Principal, access: AccessContext, action: Action, resource: Resource
) -> Refusal | None:
    if action in RECENT_SIGN_IN_ACTIONS and not principal.signed_in_recently(access.at_ms):
        return SignInAgain(action.verb, resource)
    return None


def _refusal_of_role(
    principal: Principal, access: AccessContext, action: Action, resource: Resource
) -> Refusal | None:
    org = org_of(resource)
    access = access.seen_by(principal, org)
    _, roles = RIGHTS[action]
    if access.is_deleted and action is not Action.OPERATE:
        reason = f"the organization {org} was deleted, and nobody publishes to it any more"
        return NotPermitted(action.verb, resource, reason)
    if access.is_administrator or access.role in roles or principal.granted_roles(org) & roles:
        return _refusal_of_closing(access, action, resource)
    if access.role is None and is_reserved(org):
        return NameReserved(org)
    if access.organization is None and roles:
        return OrganizationMissing(action.verb, resource, org)
    return NotPermitted(action.verb, resource, _missing_role(org, roles))


def _refusal_of_closing(
    access: AccessContext, action: Action, resource: Resource
) -> Refusal | None:
    if action not in PUSH_ACTIONS or not access.is_being_deleted:
        return None
    reason = "its organization is being deleted, which an owner can still undo"
    return NotPermitted(action.verb, resource, reason)


def _missing_role(org: OrgName, roles: frozenset[Role]) -> str:
    if not roles:
        return "only administrators of the registry can do this"
    allowed = " and ".join(sorted(f"{role.value}s" for role in roles))
    return f"only {allowed} of {org} can do this"
