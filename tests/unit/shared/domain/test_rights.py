"""What grants cover, what credentials allow, and how recently somebody signed in."""

import pytest

from shared.domain.errors.identity import SignInAgain
from shared.domain.identity import (
    JOB_SCOPES,
    MACHINE_SCOPES,
    OPERATOR,
    PUBLISHING_SCOPES,
    Action,
    Grant,
    Principal,
    Scope,
    is_pattern,
    is_recently_signed_in,
    org_of,
    require_recent_sign_in,
)
from shared.domain.names import Package, parse_org

ACME = parse_org("Acme")
GREET = Package.parse("Acme", "greet")


@pytest.mark.parametrize(
    ("org", "package", "of_package", "of_organization"),
    [
        ("*", "*", True, True),
        ("acme", "*", True, True),
        ("ACM?", "*", True, True),
        ("acm", "*", False, False),
        ("acme?", "*", False, False),
        ("acme", "greet", True, False),
        ("acme", "GR*", True, False),
        ("acme", "other", False, False),
        ("other", "*", False, False),
        ("greet", "acme", False, False),
    ],
)
def test_a_grant_on_some_packages_is_no_grant_on_their_organization(
    org: str, package: str, of_package: bool, of_organization: bool
) -> None:
    grant = Grant(org=org, package=package)
    assert grant.covers(Scope.READ, GREET) is of_package
    assert grant.covers(Scope.READ, ACME) is of_organization
    few = grant.model_copy(update={"scopes": frozenset({Scope.DEPRECATE})})
    assert not few.covers(Scope.READ, GREET)


def test_a_star_a_question_mark_or_a_bracket_makes_a_pattern() -> None:
    assert [text for text in ("*", "a*", "a?c", "a[bc]", "acme", "") if is_pattern(text)] == [
        *("*", "a*", "a?c", "a[bc]")
    ]


def test_the_organization_of_a_package_is_the_one_it_is_in() -> None:
    assert org_of(GREET) == org_of(ACME) == "Acme"


def test_an_action_is_named_as_it_follows_you_may_not() -> None:
    verbs = "read publish publish deprecate manage leave govern moderate"
    assert " ".join(action.verb for action in Action) == verbs


def test_jobs_publish_and_tokens_of_organizations_do_all_that_manages_nothing() -> None:
    assert JOB_SCOPES == PUBLISHING_SCOPES == {Scope.PUSH_NEW, Scope.PUSH_VERSION}
    assert set(Scope) - MACHINE_SCOPES == {Scope.MANAGE}


ID = "0123456789"
EVERYTHING, OF_ACME = Grant(), Grant(org="acme")
OF_GREET = Grant(org="acme", package="greet")
READ, MANAGE = frozenset({Scope.READ}), frozenset({Scope.MANAGE})


@pytest.mark.parametrize(
    ("held", "wanted", "allowed"),
    [
        (EVERYTHING, EVERYTHING, True),
        (EVERYTHING, OF_GREET, True),
        (OF_ACME, OF_ACME, True),
        (OF_ACME, OF_GREET, True),
        (OF_ACME, EVERYTHING, False),
        (OF_ACME, Grant(org="a*"), False),
        (OF_ACME, Grant(org="globex"), False),
        (OF_GREET, OF_ACME, False),
        (OF_GREET, Grant(org="acme", package="other"), False),
        (Grant(scopes=MANAGE), EVERYTHING, False),
        (Grant(scopes=READ), Grant(scopes=READ), False),
        (Grant(scopes=READ | MANAGE), Grant(scopes=READ), True),
    ],
)
def test_nobody_hands_out_what_they_do_not_have(held: Grant, wanted: Grant, allowed: bool) -> None:
    assert Principal(ID, "token", (held,)).may_grant(wanted) is allowed


NOW = 1_790_000_000_000
TEN_MINUTES = 10 * 60_000
PERSON = Principal("0123456789", "session", signed_in_ms=NOW)


def test_a_sign_in_is_recent_to_the_millisecond() -> None:
    assert is_recently_signed_in(PERSON, NOW + TEN_MINUTES)
    assert not is_recently_signed_in(PERSON, NOW + TEN_MINUTES + 1)
    assert not is_recently_signed_in(Principal("0123456789", "token"), 0)


def test_a_person_who_signed_in_earlier_is_told_what_to_do() -> None:
    for principal in (PERSON, OPERATOR):
        require_recent_sign_in(principal, NOW, "remove", "an identity")
    with pytest.raises(SignInAgain, match=r"^To remove an identity, sign in again "):
        require_recent_sign_in(PERSON, NOW + TEN_MINUTES + 1, "remove", "an identity")
