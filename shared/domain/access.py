"""Access: the role of a principal in an organization, and why they may not do something."""

from dataclasses import dataclass, replace
from typing import Self

from shared.domain.accounts import Account
from shared.domain.errors.base import Forbidden, Refusal
from shared.domain.errors.identity import (
    NotPermitted,
    OrganizationMissing,
    SignInAgain,
    TokenUnknown,
    credentials_missing,
    organization_not_found,
)
from shared.domain.identity import (
    PUBLISHING_SCOPES,
    PUSH_ACTIONS,
    RECENT_SIGN_IN_ACTIONS,
    RIGHTS,
    Action,
    Principal,
    Resource,
    Role,
    Scope,
    is_recently_signed_in,
    org_of,
)
from shared.domain.members import Membership
from shared.domain.names import OrgName, is_reserved
from shared.domain.organizations import Organization

MISSING_PUBLISHING_SCOPES = "the token lacks the scopes push-new and push-version"
WAY_TO_PUBLISH = "; create a token that may publish at /account/tokens?for=push"


_ORG_OF_ROOT = "root"  # `bal new` names the organization after the user of the system.


def way_to_rename(org: str) -> str:
    """Return how to rename the organization that `bal new` makes for the user root; empty for
    every other organization."""
    if org.lower() != _ORG_OF_ROOT:
        return ""
    return (
        "bal new writes root when the user of the system is root. Set "
        'org = "your-organization" in Ballerina.toml, with the name of your organization here, '
        "and pack again."
    )


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
        """Return the organization, or raise `organization-not-found`."""
        if self.organization is None or self.is_deleted:
            raise organization_not_found(org)
        return self.organization

    @property
    def is_being_deleted(self) -> bool:
        return self.organization is not None and self.organization.deleting_ms is not None


NO_ACCESS = AccessContext(account=None, organization=None, role=None)


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
        # Its traceback holds this frame, and a variable for it would hold it in turn.
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
        reason = "the token is limited to some organizations or packages; use one that is not"
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
    if action not in RECENT_SIGN_IN_ACTIONS or is_recently_signed_in(principal, access.at_ms):
        return None
    return SignInAgain(action.verb, resource)


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
        return Forbidden(
            "name-reserved",
            f"Organizations that begin with ballerina are the operator's, so {org} is not open. "
            "Push under an organization of your own.",
        )
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
