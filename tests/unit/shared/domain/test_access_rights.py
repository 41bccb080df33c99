"""Who may do what: every role, action and scope, in organizations of every kind."""

import weakref
from datetime import timedelta
from itertools import product

import pytest
from msgspec.structs import replace

from shared.domain.access_rights import (
    NO_CONTEXT,
    AccessContext,
    refusal_of,
    require_own_account,
    require_right,
)
from shared.domain.accounts import Account
from shared.domain.coordinates import Package
from shared.domain.errors.base import Refusal
from shared.domain.errors.identity import (
    GrantMissing,
    NotPermitted,
    OrganizationMissing,
    SignInAgain,
    TokenUnknown,
)
from shared.domain.grants import Grant
from shared.domain.memberships import NEW_MEMBER_PERIOD, Membership
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.principals import ANONYMOUS, OPERATOR, Principal
from shared.domain.scopes import PUBLISHING_SCOPES, Action, Role, Scope
from shared.domain.visibility import Visibility
from tests.support.refusals import raises_refusal

# Written out, so that a change of the table in the code has to be a change here.
MAINTAINERS = {"owner", "maintainer", "administrator"}
TABLE = {
    Action.READ: ("read", {*MAINTAINERS, "member"}),
    Action.PUSH_NEW: ("push-new", MAINTAINERS),
    Action.PUSH_VERSION: ("push-version", MAINTAINERS),
    Action.DEPRECATE: ("deprecate", MAINTAINERS),
    Action.MANAGE: ("manage", {"owner", "administrator"}),
    Action.LEAVE: ("manage", {*MAINTAINERS, "member"}),
    Action.GOVERN: ("manage", {"owner", "administrator"}),
    Action.APPROVE: ("manage", MAINTAINERS),
    Action.OPERATE: ("manage", {"administrator"}),
    Action.MODERATE: ("moderate", {"administrator"}),
    Action.AUDIT: ("audit", {"administrator"}),
    Action.APPLY: ("apply", {"administrator"}),
}
RECENT_SIGN_IN = {Action.GOVERN, Action.APPROVE, Action.OPERATE}
OF_THE_REGISTRY = {Action.OPERATE, Action.MODERATE, Action.AUDIT, Action.APPLY}
WHO = ("owner", "maintainer", "member", "stranger", "administrator")
ID = "0123456789"
NOW = 1_790_000_000_000
GREET = Package.parse("acme", "greet")


def standing(who: str, org: str = "acme", *, deleted: bool = False) -> AccessContext:
    return AccessContext(
        account=Account(id=ID, name="kim", administrator=who == "administrator", created_ms=0),
        organization=Organization(
            name=org, founder=ID, created_ms=0, deleting_ms=0 if deleted else None
        ),
        role=Role(who) if who in {role.value for role in Role} else None,
        at_ms=NOW,
    )


def refused(principal: Principal, where: AccessContext, action: Action) -> type[Refusal] | None:
    refusal = refusal_of(principal, where, action, GREET)
    return type(refusal) if refusal else None


ALL = Principal(ID, "token", (Grant(),))
SIGNED_IN = Principal(ID, "session", (Grant(),), signed_in_ms=NOW)


@pytest.mark.parametrize(
    ("who", "action", "scope", "org"), [*product(WHO, Action, Scope, ("acme", "ballerinax"))]
)
def test_a_right_takes_the_scope_and_the_role(
    who: str, action: Action, scope: Scope, org: str
) -> None:
    grants = (Grant(scopes=frozenset({scope})),)
    principal = Principal(ID, "session", grants, signed_in_ms=NOW)
    refusal = refusal_of(principal, standing(who, org), action, Package.parse(org, "greet"))
    needed, may = TABLE[action]
    if scope.value == needed and who in may:
        assert refusal is None
    elif who == "stranger" and org == "ballerinax":
        assert getattr(refusal, "code", "") == "name-reserved"
        assert "ballerinax is, or looks like, a name that this registry reserves" in str(refusal)
    else:
        assert isinstance(refusal, NotPermitted)


@pytest.mark.parametrize("action", Action)
def test_a_reserved_name_that_people_own_is_refused_like_any_other(action: Action) -> None:
    package = Package.parse("wso2", "greet")
    given = standing("stranger", "wso2")
    assert isinstance(refusal_of(SIGNED_IN, given, action, package), NotPermitted)
    refusal = refusal_of(SIGNED_IN, replace(given, organization=None), action, package)
    assert getattr(refusal, "code", "") == "name-reserved"


@pytest.mark.parametrize("action", Action)
def test_without_credentials_everything_asks_for_them(action: Action) -> None:
    with raises_refusal("credentials-missing"):
        require_right(ANONYMOUS, standing("owner"), action, GREET)
    assert refused(ALL, NO_CONTEXT, action) is TokenUnknown  # Its account was deleted.
    assert refused(OPERATOR, NO_CONTEXT, action) is None


@pytest.mark.usefixtures("uncollected")
def test_a_refusal_is_forgotten_without_the_garbage_collector() -> None:
    refusals: list[weakref.ref[Refusal]] = []
    try:
        require_right(ANONYMOUS, standing("owner"), Action.READ, GREET)
    except Refusal as refusal:
        refusals.append(weakref.ref(refusal))
    assert [each() for each in refusals] == [None]


@pytest.mark.parametrize(("who", "action"), list(product(WHO, Action)))
def test_in_a_deleted_organization_nothing_is_left_but_moderation(who: str, action: Action) -> None:
    deleted = standing(who, deleted=True)
    allowed = who == "administrator" and action in OF_THE_REGISTRY
    assert refused(SIGNED_IN, deleted, action) is (None if allowed else NotPermitted)


@pytest.mark.parametrize("action", [each for each in Action if each not in OF_THE_REGISTRY])
def test_in_an_organization_that_does_not_exist_the_way_out_is_named(action: Action) -> None:
    missing = replace(standing("stranger"), organization=None)
    with pytest.raises(OrganizationMissing, match="acme does not exist"):
        require_right(ALL, missing, action, GREET)
    founding = replace(standing("administrator"), organization=None)
    assert refused(ALL, founding, Action.PUSH_NEW) is None


@pytest.mark.parametrize("action", Action)
def test_a_stranger_is_refused_in_a_hidden_organization_as_in_one_that_does_not_exist(
    action: Action,
) -> None:
    where = hidden("stranger")
    missing = replace(hidden("stranger"), organization=None)
    one, other = [refusal_of(ALL, each, action, GREET) for each in (where, missing)]
    assert str(one) == str(other)


def hidden(who: str) -> AccessContext:
    found = standing(who)
    assert found.organization
    private = {"default_visibility": Visibility.PRIVATE}
    return replace(found, organization=found.organization.model_copy(update=private))


def test_scope_and_pattern_have_to_be_of_the_same_grant() -> None:
    push = Grant(scopes=frozenset({Scope.PUSH_NEW}), org="globex")
    read = Grant(scopes=frozenset({Scope.READ}), org="acme")
    principal = Principal(ID, "token", (push, read))
    assert refused(principal, standing("owner"), Action.PUSH_NEW) is GrantMissing
    assert refused(principal, standing("owner"), Action.READ) is None


# --- fresh sign-ins and roles of credentials ---------------------------------------------------


@pytest.mark.parametrize("action", Action)
def test_no_token_is_enough_for_what_takes_a_fresh_sign_in(action: Action) -> None:
    expected = SignInAgain if action in RECENT_SIGN_IN else None
    assert refused(ALL, standing("administrator"), action) is expected


def test_who_has_to_sign_in_again_reads_for_what() -> None:
    refusal = refusal_of(ALL, standing("owner"), Action.GOVERN, GREET)
    assert Action.GOVERN.verb in str(refusal)
    assert str(GREET) in str(refusal)


NOBODY = AccessContext(None, Organization(name="acme", founder=ID, created_ms=0), None, NOW)


def machine(org: str = "acme") -> Principal:
    """Return a credential of an organization, which belongs to no account."""
    return Principal("organ00000", "ci", (Grant(),), organization=org)


@pytest.mark.parametrize("action", Action)
def test_a_credential_of_an_organization_needs_no_account_and_holds_only_in_its_organization(
    action: Action,
) -> None:
    granted = SignInAgain if action in RECENT_SIGN_IN else None
    expected = granted if "maintainer" in TABLE[action][1] else NotPermitted
    assert refused(machine(), NOBODY, action) is expected
    assert refused(machine("ACME"), NOBODY, action) is expected
    assert refused(machine("other"), NOBODY, action) is NotPermitted


# --- what a refusal says -----------------------------------------------------------------------

CLOSING = Organization(name="acme", founder=ID, created_ms=0, deleting_ms=NOW + 1)
READING = Principal(ID, "token", (Grant(scopes=frozenset({Scope.READ})),))

PUSHING = Principal(ID, "token", (Grant(scopes=frozenset({Scope.PUSH_NEW})),))
OWNER = standing("owner")
LACKS = "the token lacks the scope"
LIMITED = "the token is limited to the"


def limited(
    scopes: frozenset[Scope] = frozenset(Scope), *, org: str = "*", package: str = "*"
) -> Principal:
    return Principal(ID, "token", (Grant(scopes=scopes, org=org, package=package),))


BOTH = Principal(ID, "token", (Grant(org="globex"), Grant(org="initech")))
TWO_PACKAGES = Principal(ID, "token", (Grant(package="lib*"), Grant(package="io")))
OF_ACME = "of acme can do this"
BEING_DELETED = "its organization is being deleted, which an owner can still undo"
DELETED = "the organization acme was deleted, and nobody publishes to it any more"


@pytest.mark.parametrize(
    ("by", "where", "action", "reason"),
    [
        (ALL, standing("member"), Action.DEPRECATE, f"only maintainers and owners {OF_ACME}"),
        (ALL, hidden("member"), Action.DEPRECATE, f"only maintainers and owners {OF_ACME}"),
        (SIGNED_IN, OWNER, Action.OPERATE, "only administrators of the registry can do this"),
        (READING, OWNER, Action.DEPRECATE, f"{LACKS} deprecate"),
        (READING, OWNER, Action.PUSH_NEW, f"{LACKS}s push-new and push-version"),
        (PUSHING, OWNER, Action.PUSH_VERSION, f"{LACKS} push-version here"),
        (ALL, replace(OWNER, organization=CLOSING), Action.PUSH_VERSION, BEING_DELETED),
        (ALL, standing("owner", deleted=True), Action.READ, DELETED),
    ],
)
def test_a_refusal_names_the_action_the_package_and_the_reason(
    by: Principal, where: AccessContext, action: Action, reason: str
) -> None:
    refusal = refusal_of(by, where, action, GREET)
    assert str(refusal) == f"You may not {action.verb} acme/greet: {reason}."


@pytest.mark.parametrize(
    ("by", "action", "limit"),
    [
        (limited(org="globex"), Action.PUSH_NEW, "organization globex"),
        (limited(org="globex"), Action.PUSH_VERSION, "organization globex"),
        (limited(org="globex", package="io"), Action.PUSH_NEW, "organization globex"),
        (limited(PUBLISHING_SCOPES, package="io"), Action.PUSH_NEW, "package io"),
        (limited(org="ACME", package="io"), Action.PUSH_VERSION, "package io"),
        (BOTH, Action.PUSH_NEW, "organizations globex and initech"),
        (TWO_PACKAGES, Action.PUSH_NEW, "packages io and lib*"),
        (limited(org="globex"), Action.DEPRECATE, "organization globex; use one that is not"),
        (limited(package="io"), Action.MANAGE, "package io; use one that is not"),
    ],
)
def test_a_refusal_names_the_limit_of_the_token_that_leaves_the_package_out(
    by: Principal, action: Action, limit: str
) -> None:
    refusal = refusal_of(by, OWNER, action, GREET)
    assert str(refusal) == f"You may not {action.verb} acme/greet: {LIMITED} {limit}."


def test_a_grant_for_a_package_is_no_right_to_its_organization() -> None:
    refusal = refusal_of(limited(package="greet"), OWNER, Action.MANAGE, OrgName("acme"))
    assert f"acme: {LIMITED} package greet; use one that is not." in str(refusal)


@pytest.mark.parametrize("action", [Action.PUSH_NEW, Action.DEPRECATE, Action.READ])
def test_a_token_of_an_organization_names_it_in_the_refusals_of_others(action: Action) -> None:
    refusal = refusal_of(machine("globex"), NOBODY, action, GREET)
    reason = "the token is one of the organization globex; use one of acme"
    assert str(refusal) == f"You may not {action.verb} acme/greet: {reason}."


def test_an_organization_that_is_being_deleted_takes_no_push_and_everything_else() -> None:
    closing = replace(standing("owner"), organization=CLOSING)
    refusing = {each for each in Action if refused(SIGNED_IN, closing, each) is NotPermitted}
    assert refusing == {Action.PUSH_NEW, Action.PUSH_VERSION, *OF_THE_REGISTRY}


def test_an_access_context_has_the_role_and_the_sponsor_of_the_membership_at_that_time() -> None:
    since = {"org": "acme", "account": ID, "since_ms": NOW, "invited_by": "ann0000000"}
    membership = Membership.model_validate({**since, "role": "maintainer"})
    old_ms = NOW + NEW_MEMBER_PERIOD // timedelta(milliseconds=1)
    new = AccessContext.of(None, None, membership, old_ms - 1)
    assert (new.role, new.sponsor, new.at_ms) == (Role.MAINTAINER, "ann0000000", old_ms - 1)
    later = AccessContext.of(None, None, membership, old_ms)
    assert (later.role, later.sponsor) == (Role.MAINTAINER, "")
    stranger = AccessContext.of(None, None, None, NOW)
    assert (stranger.role, stranger.sponsor) == (None, "")


MANAGE = frozenset({Scope.MANAGE})


def test_what_belongs_to_an_account_takes_the_scope_manage_without_limits() -> None:
    for grant in (Grant(), Grant(scopes=MANAGE)):
        require_own_account(Principal(ID, "token", (grant,)), "list", "sessions")
    limited = "the token is limited to some organizations or packages; use one that is not"
    for grant, reason in (
        (Grant(scopes=MANAGE, org="acme"), limited),
        (Grant(scopes=MANAGE, package="greet"), limited),
        (Grant(scopes=frozenset(Scope) - MANAGE), "the token lacks the scope manage for it"),
    ):
        with pytest.raises(NotPermitted) as refused:
            require_own_account(Principal(ID, "token", (grant,)), "list", "sessions")
        assert str(refused.value) == f"You may not list sessions: {reason}."
    with raises_refusal("credentials-missing"):
        require_own_account(ANONYMOUS, "list", "sessions")
