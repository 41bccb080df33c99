"""What the credential of a principal allows."""

import pytest

from shared.domain.identity import Grant, Principal, Scope

ID = "0123456789"


EVERYTHING = Grant()


ACME = Grant(org="acme")


@pytest.mark.parametrize(
    ("held", "wanted", "allowed"),
    [
        (EVERYTHING, EVERYTHING, True),
        (EVERYTHING, Grant(org="acme", package="greet"), True),
        (ACME, ACME, True),
        (ACME, Grant(org="acme", package="greet"), True),
        (ACME, EVERYTHING, False),
        (ACME, Grant(org="a*"), False),
        (ACME, Grant(org="globex"), False),
        (Grant(org="acme", package="greet"), ACME, False),
        (Grant(scopes=frozenset({Scope.MANAGE})), EVERYTHING, False),
        (Grant(scopes=frozenset({Scope.READ})), Grant(scopes=frozenset({Scope.READ})), False),
        (
            Grant(scopes=frozenset({Scope.READ, Scope.MANAGE})),
            Grant(scopes=frozenset({Scope.READ})),
            True,
        ),
    ],
)
def test_nobody_hands_out_what_they_do_not_have(held: Grant, wanted: Grant, allowed: bool) -> None:
    assert Principal(ID, "token", (held,)).may_grant(wanted) is allowed
