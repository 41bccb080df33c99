"""Access: the table of rights, the role of a principal in an organization, and why a principal may
not do something.
"""

from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.accounts import Account
from shared.domain.coordinates import Package
from shared.domain.errors.base import Refusal
from shared.domain.errors.identity import (
    GrantMissing,
    NotPermitted,
    OrganizationMissing,
    SignInAgain,
    TokenUnknown,
    credentials_missing,
    name_reserved,
    organization_not_found,
)
from shared.domain.freezes import refusal_while_frozen
from shared.domain.grants import limit_of
from shared.domain.memberships import GroupRole, Membership
from shared.domain.names import OrgName, way_to_rename
from shared.domain.organizations import Organization
from shared.domain.principals import Principal
from shared.domain.recent_sign_in import RECENT_SIGN_IN_ACTIONS, is_recently_signed_in
from shared.domain.reserved_names import is_owned_by_administrators, is_reserved_name
from shared.domain.scopes import (
    PUBLISHING_SCOPES,
    PUSH_ACTIONS,
    Action,
    Resource,
    Role,
    Scope,
    org_of,
)
from shared.domain.times import time_text
from shared.domain.trusted_publishing.run_limits import limits_of_run

# The table of rights: an action needs this scope of the credential, and one of these roles in the
# organization. Administrators have every role everywhere, and only they may OPERATE, MODERATE
# and APPLY. They and auditors, who have no role by that, may AUDIT.
# READ is checked for private packages only, because everybody may read public ones.
RIGHTS: dict[Action, tuple[Scope, frozenset[Role]]] = {
    Action.READ: (Scope.READ, frozenset({Role.OWNER, Role.MAINTAINER, Role.MEMBER})),
    Action.PUSH_NEW: (Scope.PUSH_NEW, frozenset({Role.OWNER, Role.MAINTAINER})),
    Action.PUSH_VERSION: (Scope.PUSH_VERSION, frozenset({Role.OWNER, Role.MAINTAINER})),
    Action.DEPRECATE: (Scope.DEPRECATE, frozenset({Role.OWNER, Role.MAINTAINER})),
    Action.MANAGE: (Scope.MANAGE, frozenset({Role.OWNER})),
    Action.LEAVE: (Scope.MANAGE, frozenset(Role)),
    Action.GOVERN: (Scope.MANAGE, frozenset({Role.OWNER})),
    Action.APPROVE: (Scope.MANAGE, frozenset({Role.OWNER, Role.MAINTAINER})),
    Action.OPERATE: (Scope.MANAGE, frozenset()),
    Action.MODERATE: (Scope.MODERATE, frozenset()),
    Action.AUDIT: (Scope.AUDIT, frozenset()),
    Action.APPLY: (Scope.APPLY, frozenset()),
}

# What auditors may do in addition; being an auditor gives no role.
ACTIONS_OF_AUDITORS = frozenset({Action.AUDIT})

# Actions that concern the registry itself. They stay possible after the organization was deleted.
REGISTRY_ACTIONS = frozenset({Action.OPERATE, Action.MODERATE, Action.AUDIT, Action.APPLY})

PUBLISHING_ROLES = RIGHTS[Action.PUSH_VERSION][1]  # The roles that publish anything.


MISSING_PUBLISHING_SCOPES = "the token lacks the scopes push-new and push-version"
WAY_AROUND_LIMIT = "; use one that is not"


class AccessContext(Struct, frozen=True):
    """Account, organization and role at the time of a request."""

    account: Account | None
    organization: Organization | None
    role: Role | None
    at_ms: int = 0
    sponsor: str = ""  # The account that invited a new member.
    ended_group: GroupRole | None = None  # The role by groups if it has ended.

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
        ended = membership.ended_group_at(now_ms) if membership else None
        return cls(account, organization, role, now_ms, sponsor, ended)

    @property
    def is_administrator(self) -> bool:
        return self.account is not None and self.account.administers_at(self.at_ms)

    @property
    def reads_management(self) -> bool:
        """Whether the account is an administrator or an auditor."""
        return self.account is not None and self.account.reads_management_at(self.at_ms)

    @property
    def is_locked(self) -> bool:
        return self.account is not None and self.account.is_locked

    @property
    def may_approve(self) -> bool:
        """Whether the account approves releases of the organization, after a recent sign-in."""
        is_approver = self.role in RIGHTS[Action.APPROVE][1] or self.is_administrator
        return is_approver and not self.is_locked

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

    @property
    def for_reading(self) -> Self:
        """The context without freezes, for reading what only who may change it may read: a freeze
        stops changes and no reading."""
        if self.organization is None:
            return self
        thawed = self.organization.model_copy(update={"freeze": None, "frozen_packages": ()})
        return replace(self, organization=thawed)

    def require_organization(self, org: OrgName) -> Organization:
        """Return the organization, or raise `organization-not-found`."""
        if self.organization is None or self.is_deleted:
            raise organization_not_found(org)
        return self.organization

    @property
    def is_being_deleted(self) -> bool:
        return self.organization is not None and self.organization.deleting_ms is not None


# The context of the operator, who needs none, and of accounts outside of an organization.
NO_CONTEXT = AccessContext(account=None, organization=None, role=None)


def require_right(
    principal: Principal, access: AccessContext, action: Action, resource: Resource
) -> None:
    """Raise the refusal that `refusal_of` returns, if any.

    Raises `credentials-missing`, `TokenUnknown`, `name-reserved`, `NotPermitted` or `SignInAgain`.
    """
    refusal = refusal_of(principal, access, action, resource)
    try:
        if refusal is not None:
            raise refusal
    finally:
        # The traceback of the refusal refers to this frame. If a variable of the frame referred to
        # the refusal, both would stay in memory until the next garbage collection.
        del refusal


def require_own_account(by: Principal, verb: str, what: str) -> None:
    """Raise unless `by` may manage what belongs to its account and to no organization.

    These are its sessions, identities, tokens, log and data. It takes the scope manage without
    limits: a credential for some organizations or packages manages those alone. Raises
    `credentials-missing` or `NotPermitted`; `verb` and `what` complete "You may not …".
    """
    if by.is_anonymous:
        raise credentials_missing()
    if by.manages_everything:
        return
    if any(Scope.MANAGE in grant.scopes for grant in by.grants):
        reason = f"the token is limited to some organizations or packages{WAY_AROUND_LIMIT}"
        raise NotPermitted(verb, what, reason)
    raise NotPermitted(verb, what, "the token lacks the scope manage for it")


def refusal_of(
    principal: Principal, access: AccessContext, action: Action, resource: Resource
) -> Refusal | None:
    """Return why `principal` may not do `action` on `resource`; None when it may."""
    if principal.is_anonymous:
        return credentials_missing()
    if principal.is_operator:
        return None
    if access.account is None and not principal.organization:
        return TokenUnknown()
    # Role before scope: the missing scope reveals whether a package exists, which only members
    # may know.
    return (
        _refusal_of_role(principal, access, action, resource)
        or _refusal_of_scope(principal, action, resource)
        or _refusal_of_age(principal, access, action, resource)
    )


def _refusal_of_scope(principal: Principal, action: Action, resource: Resource) -> Refusal | None:
    needed, _ = RIGHTS[action]
    if principal.allows(needed, resource):
        return None
    kind = GrantMissing if needed in PUBLISHING_SCOPES else NotPermitted
    return kind(action.verb, resource, missing_grant(principal, needed, resource))


def missing_grant(principal: Principal, scope: Scope, resource: Resource) -> str:
    """Return why no grant of the principal covers `scope` on the resource: its credential is
    limited to others, or lacks the scope."""
    if scope not in PUBLISHING_SCOPES:
        limit = _limit(principal, frozenset({scope}), resource)
        return f"{limit}{WAY_AROUND_LIMIT}" if limit else f"the token lacks the scope {scope.value}"
    is_partial = any(principal.allows(each, resource) for each in PUBLISHING_SCOPES)
    if principal.provenance is not None and isinstance(resource, Package):
        if is_partial:
            return f"its trusted publisher does not create packages, and there is no {resource}"
        return limits_of_run(principal, resource)
    if is_partial:
        return f"the token lacks the scope {scope.value} here"
    # Tokens that may not publish here do not learn whether the package exists.
    return _limit(principal, PUBLISHING_SCOPES, resource) or MISSING_PUBLISHING_SCOPES


def _limit(principal: Principal, scopes: frozenset[Scope], resource: Resource) -> str:
    """Return the clause that says to what the grants with one of these scopes are limited; empty if
    no grant has one of them."""
    grants = [grant for grant in principal.grants if grant.scopes & scopes]
    return f"the token is limited to {limit_of(grants, resource)}" if grants else ""


def _refusal_of_age(
    principal: Principal, access: AccessContext, action: Action, resource: Resource
) -> Refusal | None:
    if action not in RECENT_SIGN_IN_ACTIONS or is_recently_signed_in(principal, access.at_ms):
        return None
    return SignInAgain(action.verb, resource)


def _refusal_of_role(
    principal: Principal, access: AccessContext, action: Action, resource: Resource
) -> Refusal | None:
    org = org_of(resource)
    access = access.seen_by(principal, org)
    _, roles = RIGHTS[action]
    if access.is_deleted and action not in REGISTRY_ACTIONS:
        reason = f"the organization {org} was deleted, and nobody publishes to it any more"
        return NotPermitted(action.verb, resource, reason)
    audits = action in ACTIONS_OF_AUDITORS and access.reads_management
    has_role = access.role in roles or bool(principal.granted_roles(org) & roles)
    if access.is_administrator or has_role or audits:
        return _refusal_of_closing(access, action, resource) or _refusal_of_freeze(
            access, action, resource
        )
    if access.role is None and _is_reserved(access, org):
        return name_reserved(org, "Push under an organization of your own.")
    if access.organization is None and roles:
        return OrganizationMissing(action.verb, resource, org)
    return _refusal_without_role(principal, access, action, resource)


def _is_reserved(access: AccessContext, org: OrgName) -> bool:
    """Check whether the name of the organization is reserved for the operator. One that exists is
    reserved only if administrators own it: they may have created an organization with a reserved
    name for others, and it gets the same refusals as any other organization."""
    if access.organization is not None:
        return is_owned_by_administrators(org)
    return is_reserved_name(org, ()) and not way_to_rename(org)


def _refusal_without_role(
    principal: Principal, access: AccessContext, action: Action, resource: Resource
) -> Refusal:
    """Return the refusal that says why the principal has none of the roles that the action
    takes."""
    org = org_of(resource)
    _, roles = RIGHTS[action]
    ended = access.ended_group
    if ended is not None and ended.role in roles:
        return NotPermitted(action.verb, resource, reason_of_end(org, ended), WAY_TO_RENEW)
    if principal.organization and roles and not principal.granted_roles(org):
        reason = f"the token is one of the organization {principal.organization}; use one of {org}"
        if principal.provenance is not None:
            own = principal.organization
            reason = f"this run has a token for {own}; exchange its id token for {org} instead"
        return NotPermitted(action.verb, resource, reason)
    return NotPermitted(action.verb, resource, _missing_role(org, roles))


def _refusal_of_closing(
    access: AccessContext, action: Action, resource: Resource
) -> Refusal | None:
    if action in PUSH_ACTIONS and access.is_being_deleted:
        reason = "its organization is being deleted, which an owner can still undo"
        return NotPermitted(action.verb, resource, reason)
    continued_as = access.organization.continued_as if access.organization else ""
    if action is Action.PUSH_NEW and continued_as:
        # The other organization may be hidden, so it is not named.
        reason = (
            f"{org_of(resource)} is continued as another organization and takes no new packages; "
            "publish it there"
        )
        return NotPermitted(action.verb, resource, reason)
    return None


def _refusal_of_freeze(access: AccessContext, action: Action, resource: Resource) -> Refusal | None:
    """Return why this cannot be done while the organization or the package is frozen.

    Administrators may still change what is frozen, but they may not publish to it.
    """
    if action is Action.READ or (access.is_administrator and action not in PUSH_ACTIONS):
        return None
    return refusal_while_frozen(access.organization, action.verb, resource)


WAY_TO_RENEW = "Sign in to the registry in a browser to renew it."


def reason_of_end(org: str, ended: GroupRole) -> str:
    """Return why somebody has no role by groups any more."""
    return (
        f"your role {ended.role.value} of {org} was by a group and ended on "
        f"{time_text(ended.until_ms)}, since nobody has confirmed the group for too long"
    )


def _missing_role(org: OrgName, roles: frozenset[Role]) -> str:
    if not roles:
        return "only administrators of the registry can do this"
    allowed = " and ".join(sorted(f"{role.value}s" for role in roles))
    return f"only {allowed} of {org} can do this"
