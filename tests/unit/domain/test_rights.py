"""What a grant covers and includes, and what a pattern stands for."""

import pytest

from shared.domain.names import Package, parse_org
from shared.domain.rights import Action, Grant, Scope, fits, is_pattern, org_of

ACME = parse_org("Acme")
GREET = Package.parse("Acme", "greet")


def test_an_action_is_named_as_it_follows_you_may_not() -> None:
    assert {action: action.verb for action in Action} == {
        Action.READ: "read",
        Action.PUSH_NEW: "publish",
        Action.PUSH_VERSION: "publish",
        Action.DEPRECATE: "deprecate",
        Action.MANAGE: "manage",
        Action.LEAVE: "leave",
        Action.GOVERN: "govern",
        Action.OPERATE: "moderate",
    }


def test_a_grant_covers_its_scopes_alone() -> None:
    grant = Grant(scopes=frozenset({Scope.READ, Scope.DEPRECATE}))
    for resource in (GREET, ACME):
        covered = {scope for scope in Scope if grant.covers(scope, resource)}
        assert covered == {Scope.READ, Scope.DEPRECATE}


@pytest.mark.parametrize(
    ("org", "package", "of_package", "of_organization"),
    [
        ("*", "*", True, True),
        ("acme", "*", True, True),
        ("ACM?", "*", True, True),
        ("acme", "greet", True, False),
        ("acme", "GR*", True, False),
        ("acme", "other", False, False),
        ("other", "*", False, False),
        ("other", "greet", False, False),
        ("greet", "acme", False, False),
    ],
)
def test_a_grant_on_some_packages_is_none_on_their_organization(
    org: str, package: str, of_package: bool, of_organization: bool
) -> None:
    grant = Grant(org=org, package=package)
    assert grant.covers(Scope.READ, GREET) is of_package
    assert grant.covers(Scope.READ, ACME) is of_organization


@pytest.mark.parametrize(
    ("other", "is_included"),
    [
        (Grant(org="acme", package="greet"), True),
        (Grant(org="acme", package="greet", scopes=frozenset({Scope.READ})), True),
        (Grant(org="acme", package="*"), False),
        (Grant(org="*", package="greet"), False),
        (Grant(org="other", package="greet"), False),
        (Grant(org="acme", package="other"), False),
    ],
)
def test_a_grant_includes_its_own_patterns_and_no_others(other: Grant, is_included: bool) -> None:
    assert Grant(org="acme", package="greet").includes(other) is is_included
    assert Grant().includes(other)


def test_a_grant_includes_no_scope_that_it_lacks() -> None:
    few = Grant(scopes=frozenset({Scope.READ}))
    assert few.includes(few)
    assert not few.includes(Grant(scopes=frozenset({Scope.READ, Scope.MANAGE})))
    assert not few.includes(Grant(scopes=frozenset({Scope.MANAGE})))


def test_a_star_a_question_mark_or_a_bracket_makes_a_pattern() -> None:
    assert [text for text in ("*", "a*", "a?c", "a[bc]", "acme", "") if is_pattern(text)] == [
        *("*", "a*", "a?c", "a[bc]"),
    ]


def test_names_fit_patterns_without_case() -> None:
    for name, pattern in (("Acme", "acme"), ("acme", "ACME"), ("ACME", "a?m*")):
        assert fits(name, pattern)
    assert not fits("acme", "acm")
    assert not fits("acme", "acme?")


def test_the_organization_of_a_package_is_the_one_it_is_in() -> None:
    assert org_of(GREET) == org_of(ACME) == "Acme"
