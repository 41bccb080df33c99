"""Who may do what: every role, action and scope, in organizations of every kind."""

import weakref
from dataclasses import dataclass
from itertools import product

import pytest
from msgspec.structs import replace

from shared.domain.access import (
    NO_ACCESS,
    WAY_TO_PUBLISH,
    AccessContext,
    Membership,
    refusal_of,
    require_own_account,
    require_right,
)
from shared.domain.accounts import Account, Organization
from shared.domain.errors.base import Refusal
from shared.domain.errors.identity import (
    NotPermitted,
    OrganizationMissing,
    SignInAgain,
    TokenUnknown,
)
from shared.domain.identity import (
    ANONYMOUS,
    OPERATOR,
    RIGHTS,
    Action,
    Grant,
    Principal,
    Role,
    Scope,
)
from shared.domain.names import OrgName, Package
from shared.domain.packages import Visibility
from tests.support.refusals import raises_refusal

# Written out, so that a change of the table in the code has to be a change here.
NEEDS = {
    Action.READ: "read",
    Action.PUSH_NEW: "push-new",
    Action.PUSH_VERSION: "push-version",
    Action.DEPRECATE: "deprecate",
    Action.MANAGE: "manage",
    Action.LEAVE: "manage",
    Action.GOVERN: "manage",
    Action.OPERATE: "manage",
}
MAY = {
    Action.READ: {"owner", "maintainer", "member", "administrator"},
    Action.PUSH_NEW: {"owner", "maintainer", "administrator"},
    Action.PUSH_VERSION: {"owner", "maintainer", "administrator"},
    Action.DEPRECATE: {"owner", "maintainer", "administrator"},
    Action.MANAGE: {"owner", "administrator"},
    Action.LEAVE: {"owner", "maintainer", "member", "administrator"},
    Action.GOVERN: {"owner", "administrator"},
    Action.OPERATE: {"administrator"},
}
WHO = ("owner", "maintainer", "member", "stranger", "administrator")
ORGS = ("acme", "ballerinax")
ID = "0123456789"
NOW = 1_790_000_000_000
GREET = Package.parse("acme", "greet")


@dataclass(frozen=True)
class Case:
    """One cell of the table."""

    who: str
    action: Action
    scope: Scope
    org: str

    @property
    def package(self) -> Package:
        return Package.parse(self.org, "greet")

    @property
    def principal(self) -> Principal:
        grants = (Grant(scopes=frozenset({self.scope})),)
        return Principal(ID, "session", grants, signed_in_ms=NOW)

    @property
    def standing(self) -> AccessContext:
        return standing(self.who, self.org)

    def __str__(self) -> str:
        return f"{self.who}-{self.action.name}-{self.scope.value}-{self.org}"


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
CASES = [Case(*cell) for cell in product(WHO, Action, Scope, ORGS)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_right_takes_the_scope_and_the_role(case: Case) -> None:
    refusal = refusal_of(case.principal, case.standing, case.action, case.package)
    fits = case.scope.value == NEEDS[case.action]
    if fits and case.who in MAY[case.action]:
        assert refusal is None
    elif case.who == "stranger" and case.org == "ballerinax":
        assert getattr(refusal, "code", "") == "name-reserved"
    else:
        assert isinstance(refusal, NotPermitted)


def test_the_table_has_a_row_for_every_action() -> None:
    assert set(RIGHTS) == set(NEEDS) == set(MAY) == set(Action)


@pytest.mark.parametrize("action", Action)
def test_without_credentials_everything_asks_for_them(action: Action) -> None:
    with raises_refusal("credentials-missing"):
        require_right(ANONYMOUS, standing("owner"), action, GREET)


@pytest.mark.usefixtures("uncollected")
def test_a_refusal_is_forgotten_without_the_garbage_collector() -> None:
    refusals: list[weakref.ref[Refusal]] = []
    try:
        require_right(ANONYMOUS, standing("owner"), Action.READ, GREET)
    except Refusal as refusal:
        refusals.append(weakref.ref(refusal))
    assert [each() for each in refusals] == [None]


@pytest.mark.parametrize("action", Action)
def test_a_token_of_a_deleted_account_has_no_rights(action: Action) -> None:
    assert refused(ALL, NO_ACCESS, action) is TokenUnknown


@pytest.mark.parametrize("action", Action)
def test_the_operator_may_do_everything(action: Action) -> None:
    assert refused(OPERATOR, NO_ACCESS, action) is None


@pytest.mark.parametrize(("who", "action"), list(product(WHO, Action)))
def test_in_a_deleted_organization_nothing_is_left_but_moderation(who: str, action: Action) -> None:
    deleted = standing(who, deleted=True)
    allowed = who == "administrator" and action is Action.OPERATE
    assert refused(signed_in(0), deleted, action) is (None if allowed else NotPermitted)


@pytest.mark.parametrize("action", [each for each in Action if each is not Action.OPERATE])
def test_in_an_organization_that_does_not_exist_the_way_out_is_named(action: Action) -> None:
    missing = AccessContext(standing("stranger").account, organization=None, role=None)
    with pytest.raises(OrganizationMissing, match="acme does not exist"):
        require_right(ALL, missing, action, GREET)


@pytest.mark.parametrize("action", Action)
def test_a_stranger_is_refused_in_a_hidden_organization_as_in_one_that_does_not_exist(
    action: Action,
) -> None:
    where, missing = hidden("stranger"), replace(hidden("stranger"), organization=None)
    one, other = [refusal_of(ALL, each, action, GREET) for each in (where, missing)]
    assert str(one) == str(other)


def test_a_member_is_told_which_role_a_hidden_organization_wants() -> None:
    with pytest.raises(NotPermitted, match="only maintainers and owners of acme"):
        require_right(ALL, hidden("member"), Action.DEPRECATE, GREET)


def hidden(who: str) -> AccessContext:
    found = standing(who)
    assert found.organization
    private = {"default_visibility": Visibility.PRIVATE}
    return replace(found, organization=found.organization.model_copy(update=private))


def test_administrators_may_push_to_an_organization_that_does_not_exist_yet() -> None:
    missing = AccessContext(standing("administrator").account, organization=None, role=None)
    assert refused(ALL, missing, Action.PUSH_NEW) is None


@pytest.mark.parametrize("org", ["Ballerina", "ballerinax", "BALLERINAI"])
def test_reserved_names_are_found_in_any_spelling(org: str) -> None:
    where = standing("stranger", org)
    refusal = refusal_of(ALL, where, Action.PUSH_NEW, Package.parse(org, "greet"))
    assert getattr(refusal, "code", "") == "name-reserved"


@pytest.mark.parametrize(
    ("pattern", "package", "covered"),
    [
        ({}, "acme/greet", True),
        ({"org": "acme"}, "ACME/greet", True),
        ({"org": "Acme"}, "acme/greet", True),
        ({"org": "ac?e"}, "acme/greet", True),
        ({"org": "acm"}, "acme/greet", False),
        ({"org": "acme"}, "acmecorp/greet", False),
        ({"package": "greet.*"}, "acme/greet.log", True),
        ({"package": "greet.*"}, "acme/greet", False),
        ({"org": "globex", "package": "greet"}, "acme/greet", False),
    ],
)
def test_a_grant_is_for_the_packages_that_match_both_patterns(
    pattern: dict[str, str], package: str, covered: bool
) -> None:
    grant = Grant.model_validate(pattern)
    assert grant.covers(Scope.READ, Package.parse(*package.split("/"))) is covered


def test_one_of_several_grants_is_enough() -> None:
    grants = (Grant(org="globex"), Grant(org="acme"))
    assert refused(Principal(ID, "token", grants), standing("owner"), Action.MANAGE) is None


def test_scope_and_pattern_have_to_be_of_the_same_grant() -> None:
    push = Grant(scopes=frozenset({Scope.PUSH_NEW}), org="globex")
    read = Grant(scopes=frozenset({Scope.READ}), org="acme")
    principal = Principal(ID, "token", (push, read))
    assert refused(principal, standing("owner"), Action.PUSH_NEW) is NotPermitted


@pytest.mark.parametrize(
    ("grant", "covered"),
    [
        (Grant(), True),
        (Grant(org="acme"), True),
        (Grant(org="globex"), False),
        (Grant(org="acme", package="greet"), False),
    ],
)
def test_a_grant_on_some_packages_is_no_grant_on_their_organization(
    grant: Grant, covered: bool
) -> None:
    assert grant.covers(Scope.MANAGE, OrgName("acme")) is covered


def test_an_outsider_cannot_distinguish_a_new_package_from_an_existing_one() -> None:
    limited = Principal(ID, "token", (Grant(scopes=frozenset({Scope.READ})),))
    account = Account(id=ID, name="bob", created_ms=1)
    organization = Organization(name="acme", founder="9876543210", created_ms=1)
    standing = AccessContext(account=account, organization=organization, role=None)
    new, known = (
        refusal_of(limited, standing, action, GREET)
        for action in (Action.PUSH_NEW, Action.PUSH_VERSION)
    )
    assert str(new) == str(known)


# --- fresh sign-ins and roles of credentials ---------------------------------------------------


def signed_in(minutes_ago: float) -> Principal:
    """Return a person who signed in that long ago."""
    return Principal(ID, "session", (Grant(),), signed_in_ms=NOW - int(minutes_ago * 60_000))


@pytest.mark.parametrize("action", Action)
def test_no_token_is_enough_for_what_takes_a_fresh_sign_in(action: Action) -> None:
    expected = SignInAgain if action in (Action.GOVERN, Action.OPERATE) else None
    assert refused(ALL, standing("administrator"), action) is expected


@pytest.mark.parametrize(("minutes", "expected"), [(0, None), (10, None), (10.1, SignInAgain)])
def test_a_sign_in_is_fresh_for_ten_minutes(minutes: float, expected: type[Refusal] | None) -> None:
    assert refused(signed_in(minutes), standing("owner"), Action.GOVERN) is expected
    assert refused(signed_in(minutes), standing("owner"), Action.MANAGE) is None


def machine(org: str = "acme") -> Principal:
    """Return a credential of an organization, which belongs to no account."""
    return Principal("organ00000", "ci", (Grant(),), organization=org)


@pytest.mark.parametrize("action", Action)
def test_a_credential_of_an_organization_needs_no_account(action: Action) -> None:
    nobody = AccessContext(None, Organization(name="acme", founder=ID, created_ms=0), None, NOW)
    expected = None if "maintainer" in MAY[action] else NotPermitted
    assert refused(machine(), nobody, action) is expected
    assert refused(machine("ACME"), nobody, action) is expected


@pytest.mark.parametrize("action", Action)
def test_the_role_of_a_credential_holds_in_its_organization_alone(action: Action) -> None:
    nobody = AccessContext(None, Organization(name="acme", founder=ID, created_ms=0), None, NOW)
    assert refused(machine("other"), nobody, action) is NotPermitted


# --- what a refusal says -----------------------------------------------------------------------

CLOSING = Organization(name="acme", founder=ID, created_ms=0, deleting_ms=NOW + 1)
READING = Principal(ID, "token", (Grant(scopes=frozenset({Scope.READ})),))

PUSHING = Principal(ID, "token", (Grant(scopes=frozenset({Scope.PUSH_NEW})),))
MISSING = replace(standing("stranger"), organization=None)


@pytest.mark.parametrize(
    ("by", "where", "action", "reason"),
    [
        (
            ALL,
            standing("member"),
            Action.DEPRECATE,
            "only maintainers and owners of acme can do this",
        ),
        (
            signed_in(0),
            standing("owner"),
            Action.OPERATE,
            "only administrators of the registry can do this",
        ),
        (READING, standing("owner"), Action.DEPRECATE, "the token lacks the scope deprecate here"),
        (
            READING,
            standing("owner"),
            Action.PUSH_NEW,
            f"the token lacks the scopes push-new and push-version here{WAY_TO_PUBLISH}",
        ),
        (
            PUSHING,
            standing("owner"),
            Action.PUSH_VERSION,
            f"the token lacks the scope push-version here{WAY_TO_PUBLISH}",
        ),
        (
            ALL,
            replace(standing("owner"), organization=CLOSING),
            Action.PUSH_VERSION,
            "its organization is being deleted, which an owner can still undo",
        ),
        (
            ALL,
            standing("owner", deleted=True),
            Action.READ,
            "the organization acme was deleted, and nobody publishes to it any more",
        ),
    ],
)
def test_a_refusal_names_the_action_the_package_and_the_reason(
    by: Principal, where: AccessContext, action: Action, reason: str
) -> None:
    refusal = refusal_of(by, where, action, GREET)
    assert str(refusal) == f"You may not {action.verb} acme/greet: {reason}."


def test_a_refusal_without_a_fresh_sign_in_says_how_to_continue() -> None:
    refusal = refusal_of(ALL, standing("owner"), Action.GOVERN, GREET)
    assert str(refusal).startswith("To govern acme/greet, sign in again on the registry's pages")


def test_a_reserved_name_is_named() -> None:
    package = Package.parse("ballerinax", "greet")
    refusal = refusal_of(ALL, standing("stranger", "ballerinax"), Action.PUSH_NEW, package)
    assert "so ballerinax is not open" in str(refusal)


def test_an_organization_that_is_being_deleted_takes_no_push_and_everything_else() -> None:
    closing = replace(standing("owner"), organization=CLOSING)
    refusing = {each for each in Action if refused(signed_in(0), closing, each) is NotPermitted}
    assert refusing == {Action.PUSH_NEW, Action.PUSH_VERSION, Action.OPERATE}


def test_an_access_context_has_the_role_and_the_sponsor_of_the_membership_at_that_time() -> None:
    since = {"org": "acme", "account": ID, "since_ms": NOW, "invited_by": "ann0000000"}
    membership = Membership.model_validate({**since, "role": "maintainer"})
    new = AccessContext.of(None, None, membership, NOW)
    assert (new.role, new.sponsor, new.at_ms) == (Role.MAINTAINER, "ann0000000", NOW)
    later = AccessContext.of(None, None, membership, NOW + 10**12)
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
