"""Access: the table of rights; members of organizations with their roles, pending changes and
invitations; the role of a principal, and why they may not do something. An organization keeps an
owner, and changes of owners wait.
"""

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from typing import ClassVar, Self

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.accounts import Account, Organization, parse_reason, parse_required_reason
from shared.domain.errors.base import Conflict, Forbidden, Refusal
from shared.domain.errors.identity import (
    GrantMissing,
    NotPermitted,
    OrganizationMissing,
    SignInAgain,
    TokenUnknown,
    credentials_missing,
    last_owner,
    organization_not_found,
)
from shared.domain.mail import EmailAddress
from shared.domain.names import OrgName, Package, is_reserved
from shared.domain.principals import (
    PUBLISHING_SCOPES,
    PUSH_ACTIONS,
    RECENT_SIGN_IN_ACTIONS,
    Action,
    Principal,
    Resource,
    Role,
    Scope,
    limit_of,
    org_of,
)
from shared.domain.records import Entity, Place, Record
from shared.domain.sign_in import is_recently_signed_in
from shared.domain.times import MS, time_text

# The table of rights: an action needs this scope of the credential, and one of these roles in the
# organization. Administrators have every role everywhere, and only they may OPERATE and MODERATE.
# READ is checked for private packages only, because everybody may read public ones.
RIGHTS: dict[Action, tuple[Scope, frozenset[Role]]] = {
    Action.READ: (Scope.READ, frozenset({Role.OWNER, Role.MAINTAINER, Role.MEMBER})),
    Action.PUSH_NEW: (Scope.PUSH_NEW, frozenset({Role.OWNER, Role.MAINTAINER})),
    Action.PUSH_VERSION: (Scope.PUSH_VERSION, frozenset({Role.OWNER, Role.MAINTAINER})),
    Action.DEPRECATE: (Scope.DEPRECATE, frozenset({Role.OWNER, Role.MAINTAINER})),
    Action.MANAGE: (Scope.MANAGE, frozenset({Role.OWNER})),
    Action.LEAVE: (Scope.MANAGE, frozenset(Role)),
    Action.GOVERN: (Scope.MANAGE, frozenset({Role.OWNER})),
    Action.OPERATE: (Scope.MANAGE, frozenset()),
    Action.MODERATE: (Scope.MODERATE, frozenset()),
}

# Of the registry, whatever became of the organization.
REGISTRY_ACTIONS = frozenset({Action.OPERATE, Action.MODERATE})

PUBLISHING_ROLES = RIGHTS[Action.PUSH_VERSION][1]  # The roles that publish anything.

# How long new members count as their sponsor in burst detection.
NEW_MEMBER_PERIOD = timedelta(days=7)


class PendingRole(Record):
    """A role that takes effect at `at_ms`; None removes the account. Nothing takes effect while it
    is on hold, since the account that decided it is locked."""

    role: Role | None
    at_ms: int
    by: str
    on_hold: bool = False
    new_owner: str = ""  # Of an owner who hands over: the account that becomes owner instead.

    def is_due(self, now_ms: int) -> bool:
        return not self.on_hold and now_ms >= self.at_ms


class GroupRole(Record):
    """The role that groups give, beside the one by hand. It ends at `until_ms`, when nobody knows
    whether the account is still in them."""

    role: Role
    until_ms: int
    groups: tuple[str, ...]
    by_hand: Role | None = None


def strongest(*roles: Role | None) -> Role | None:
    """Return the role with the most rights; None without any."""
    return next((each for each in Role if each in roles), None)


class Membership(Entity):
    """An account's role in an organization: the stronger one of that by hand and that by groups.

    Changes by people are of the role by hand; `pending` is one of these.
    """

    kind: ClassVar[str] = "membership"

    org: str
    account: str
    role: Role
    since_ms: int = 0
    pending: PendingRole | None = None
    invited_by: str = ""  # The account whose invitation was accepted.
    group: GroupRole | None = None  # None: the role is by hand.

    @property
    def place(self) -> Place:
        return member_place(self.org, self.account)

    @property
    def subject(self) -> str:
        """The account, so that its organizations can be listed."""
        return self.account

    @property
    def hand_role(self) -> Role | None:
        """The role by hand; None where only groups give one."""
        return self.group.by_hand if self.group else self.role

    @property
    def group_role(self) -> Role | None:
        """The role by groups, whether they are still known or not."""
        return self.group.role if self.group else None

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that give a role, with their providers."""
        return self.group.groups if self.group else ()

    def role_at(self, now_ms: int) -> Role | None:
        current = self.at(now_ms)
        return current.role if current else None

    def with_roles(
        self, by_hand: Role | None, group: GroupRole | None, **changes: object
    ) -> Self | None:
        """Return the membership with these roles by hand and by groups; None if none is left."""
        role = strongest(by_hand, group.role if group else None)
        kept = group and group.model_copy(update={"by_hand": by_hand})
        update = {"role": role, "group": kept, **changes}
        return self.model_copy(update=update) if role else None

    def sponsor_at(self, now_ms: int) -> str:
        """Return the account that invited this one, while the role is new; empty later."""
        is_new = now_ms - self.since_ms < NEW_MEMBER_PERIOD // MS
        return self.invited_by if is_new else ""

    def at(self, now_ms: int) -> Self | None:
        """Return the membership in effect at that time; None when it has ended."""
        current = self.after_pending(now_ms)
        if current is None or current.group is None or now_ms < current.group.until_ms:
            return current
        role = current.hand_role
        return current.model_copy(update={"role": role}) if role else None

    def after_pending(self, now_ms: int) -> Self | None:
        """Return the membership after its pending change, if that is due; the role by groups may
        have ended."""
        if self.pending is None or not self.pending.is_due(now_ms):
            return self
        since_ms = self.pending.at_ms
        return self.with_roles(self.pending.role, self.group, since_ms=since_ms, pending=None)

    def ended_group_at(self, now_ms: int) -> GroupRole | None:
        """Return the role by groups if it has ended."""
        return self.group if self.group and now_ms >= self.group.until_ms else None


def member_place(org: str, account_id: str) -> Place:
    return Place(org.lower(), account_id)


INVITATION_LIFETIME = timedelta(days=7)  # Long enough for a holiday.
INVITATION_LIFETIME_MS = INVITATION_LIFETIME // MS
MAX_INVITATIONS = 100  # Open ones per organization, against mass mailing.
INVITATION_CODE_LENGTH = 32  # Characters of base62: 190 bits.
INVITATION_ID_LENGTH = 20  # Hexadecimal digits.


class Invitation(Entity):
    """An offered role. The code itself is stored nowhere.

    `label` is what the owners know it by: a masked address, or words of their own.
    """

    kind: ClassVar[str] = "invitation"

    org: str
    id: str
    role: Role
    code_hash: str
    label: str
    by: str
    created_ms: int
    expires_ms: int
    made_with: str = ""  # The id of the token that sent it; empty for a person.

    @property
    def place(self) -> Place:
        return invitation_place(self.org, self.id)

    @property
    def subject(self) -> str:
        """The hash of the code, by which the invitation is found."""
        return self.code_hash

    @property
    def ends_ms(self) -> int:
        return self.expires_ms

    def is_open_at(self, now_ms: int) -> bool:
        return now_ms < self.expires_ms


def invitation_place(org: str, invitation_id: str) -> Place:
    return Place(org.lower(), invitation_id)


def invitation_id(org: str, address: EmailAddress) -> str:
    """Return the id of the invitation of an address; a second invitation renews the first."""
    named = f"{org.lower()}\n{address.lower()}"
    return hashlib.sha256(named.encode()).hexdigest()[:INVITATION_ID_LENGTH]


OWNER_CHANGE_DELAY = timedelta(hours=48)  # Enough for owners who read their mail once a day.


class MemberList(Struct, frozen=True):
    """The members of an organization at one moment.

    `records` are their stored records, of which some may have ended; all answers are for `now_ms`.
    """

    organization: Organization
    records: tuple[Membership, ...]
    now_ms: int

    @classmethod
    def of(cls, organization: Organization, stored: Iterable[Membership], now_ms: int) -> Self:
        return cls(organization, tuple(stored), now_ms)

    @property
    def org(self) -> str:
        return self.organization.name

    @property
    def members(self) -> tuple[Membership, ...]:
        found = (each.at(self.now_ms) for each in self.records)
        return tuple(each for each in found if each is not None)

    @property
    def owners(self) -> tuple[Membership, ...]:
        return tuple(each for each in self.members if each.role is Role.OWNER)

    @property
    def with_pending_change(self) -> tuple[Membership, ...]:
        return tuple(each for each in self.members if each.pending is not None)

    def changes_by(self, account_id: str) -> list[tuple[Membership, PendingRole]]:
        """Return the members with a pending change that this account decided."""
        pending = [(each, each.pending) for each in self.with_pending_change]
        return [(each, found) for each, found in pending if found and found.by == account_id]

    def handing_over_to(self, account_id: str) -> tuple[Membership, ...]:
        """Return the owners whose lower role depends on this account becoming owner."""
        return tuple(
            each
            for each in self.with_pending_change
            if each.pending is not None and each.pending.new_owner == account_id
        )

    def record(self, account_id: str) -> Membership | None:
        """Return the record of an account, even if the membership has ended."""
        return next((each for each in self.records if each.account == account_id), None)

    def member(self, account_id: str) -> Membership | None:
        """Return the membership of an account in effect now, or None."""
        return next((each for each in self.members if each.account == account_id), None)

    def require_other_owner(self, account_id: str, name: str) -> None:
        """Raise `last-owner` unless another account is and stays owner, by hand: what a group gives
        can end with any sign-in."""
        if not any(each.account != account_id and _stays(each) for each in self.owners):
            raise last_owner(name, self.org)

    def require_no_pending_change(self, account_id: str, name: str) -> None:
        """Raise `change-pending` when a change of this member is pending."""
        if any(each.account == account_id for each in self.with_pending_change):
            raise Conflict(
                "change-pending",
                f"There is a pending change of the role of {name} in {self.org} already. Cancel "
                "it first.",
            )


def _stays(owner: Membership) -> bool:
    by_hand = owner.pending.role if owner.pending is not None else owner.hand_role
    return by_hand is Role.OWNER


MISSING_PUBLISHING_SCOPES = "the token lacks the scopes push-new and push-version"
WAY_AROUND_LIMIT = "; use one that is not"


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

    def acts_for_operator(self, principal: Principal) -> bool:
        """Check whether `principal` acts on an organization of others by the right of the operator
        or of administrators, which takes a reason."""
        return principal.is_operator or (self.is_administrator and self.role is not Role.OWNER)

    def seen_by(self, principal: Principal, org: OrgName) -> Self:
        """Return the context, without the organization if it is hidden from `principal`."""
        if self.organization is None or not self.organization.is_hidden:
            return self
        return self if self.is_of_member(principal, org) else replace(self, organization=None)

    @property
    def for_reading(self) -> Self:
        """The context for reading what takes a right to change: a freeze stops no reading."""
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


def acts_from_outside(by: Principal, access: AccessContext) -> bool:
    """Check whether the operator, or an administrator who does not own it, acts in an
    organization."""
    return by.is_operator or (access.is_administrator and access.role is not Role.OWNER)


def reason_for_change(by: Principal, access: AccessContext, reason: str, what: str) -> str:
    """Return the reason for `what`, which takes something from others in an organization.

    Its owners act in their own organization and need none. Raises `reason-missing` for those who
    act from outside, and `InvalidRequest`.
    """
    if acts_from_outside(by, access):
        return parse_required_reason(reason, what)
    return parse_reason(reason)


def with_reason(reason: str) -> dict[str, str]:
    """Return the details of an event that say why, or none without a reason."""
    return {"reason": reason} if reason else {}


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


def limits_of_run(principal: Principal, package: Package | None) -> str:
    """Return what a CI job may publish, and why not the package, or any other one if it is not
    known: clauses without a full stop, from its credential alone."""
    grants = [each for each in principal.grants if each.scopes & PUBLISHING_SCOPES]
    named = [f"{each.org}/{each.package}" for each in grants[:_MOST_NAMED]]
    if len(grants) > _MOST_NAMED:
        named.append(f"{len(grants) - _MOST_NAMED} more")
    clauses = [f"this run may publish {' and '.join(named) or 'nothing'}"]
    refused = [
        each
        for each in principal.refused
        if package is None or each.package.lower() == package.name.lower()
    ]
    clauses += [
        refusal_clause(f"{principal.organization}/{each.package}", each.why) for each in refused
    ]
    if package is not None and not refused:
        clauses.append(f"no trusted publisher of {package} takes it")
    return "; ".join(clauses)


_MOST_NAMED = 10  # Packages in a sentence.


def refusal_clause(package: str, why: str) -> str:
    """Return why a package is not published by a run, whose reasons may be about the package or
    about the run."""
    if why.startswith("it "):
        return f"{package} {why.removeprefix('it ')}"
    return f"{package} does not take it: {why}"


def _limit(principal: Principal, scopes: frozenset[Scope], resource: Resource) -> str:
    """Return to what the grants with one of these scopes are limited, empty if there are none."""
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
    if access.is_administrator or access.role in roles or principal.granted_roles(org) & roles:
        return _refusal_of_closing(access, action, resource) or _refusal_of_freeze(
            access, action, resource
        )
    if access.role is None and is_reserved(org):
        return Forbidden(
            "name-reserved",
            f"Organizations that begin with ballerina are the operator's, so {org} is not open. "
            "Push under an organization of your own.",
        )
    if access.organization is None and roles:
        return OrganizationMissing(action.verb, resource, org)
    return _refusal_without_role(principal, access, action, resource)


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

    Administrators may change it, and publish nothing in it either.
    """
    if action is Action.READ or (access.is_administrator and action not in PUSH_ACTIONS):
        return None
    return refusal_while_frozen(access.organization, action.verb, resource)


def refusal_while_frozen(
    organization: Organization | None, verb: str, resource: Resource
) -> Refusal | None:
    """Return the refusal of a change, if its organization or the package is frozen; `verb` comes
    after "You may not"."""
    if organization is None:
        return None
    if organization.freeze is not None:
        frozen = f"the organization {organization.name}"
        freeze = organization.freeze
    elif isinstance(resource, Package) and (found := organization.freeze_of(resource.name)):
        frozen = f"the package {resource}"
        freeze = found
    else:
        return None
    reason = (
        f"an administrator of the registry froze {frozen} on {time_text(freeze.at_ms)}, and "
        "nothing in it changes until it is unfrozen"
    )
    way_out = f"Members of {organization.name} see the reason on its page."
    return NotPermitted(verb, resource, reason, way_out)


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
