"""What grants cover, what credentials allow, and who a request came from."""

import pytest

from shared.domain.identity import Grant, Scope, is_pattern, org_of
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
