"""What the credential of a principal allows."""

import pytest

from shared.domain.identity import Grant, Principal, Scope

ID = "0123456789"
EVERYTHING, ACME = Grant(), Grant(org="acme")
GREET = Grant(org="acme", package="greet")
READ, MANAGE = frozenset({Scope.READ}), frozenset({Scope.MANAGE})


@pytest.mark.parametrize(
    ("held", "wanted", "allowed"),
    [
        (EVERYTHING, EVERYTHING, True),
        (EVERYTHING, GREET, True),
        (ACME, ACME, True),
        (ACME, GREET, True),
        (ACME, EVERYTHING, False),
        (ACME, Grant(org="a*"), False),
        (ACME, Grant(org="globex"), False),
        (GREET, ACME, False),
        (GREET, Grant(org="acme", package="other"), False),
        (Grant(scopes=MANAGE), EVERYTHING, False),
        (Grant(scopes=READ), Grant(scopes=READ), False),
        (Grant(scopes=READ | MANAGE), Grant(scopes=READ), True),
    ],
)
def test_nobody_hands_out_what_they_do_not_have(held: Grant, wanted: Grant, allowed: bool) -> None:
    assert Principal(ID, "token", (held,)).may_grant(wanted) is allowed
