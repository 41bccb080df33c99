"""What grants cover."""

import pytest

from shared.domain.coordinates import Package
from shared.domain.grants import Grant
from shared.domain.names import parse_org
from shared.domain.principals import Principal
from shared.domain.scopes import Scope

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


ID = "0123456789"
EVERYTHING = Grant()
OF_ACME = Grant(org="acme")
OF_GREET = Grant(org="acme", package="greet")
READ = frozenset({Scope.READ})
MANAGE = frozenset({Scope.MANAGE})


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
