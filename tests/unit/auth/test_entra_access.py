"""What app roles and groups of Entra ID are mapped to."""

import pytest

from shared.auth.claims import Claims
from shared.auth.entra_access import EntraRoles, audiences
from shared.domain.rights import Holding, Role, Scope

TEXT = (
    '[{"claim": "Publish", "org": "acme", "role": "maintainer", "scopes": ["read", "push-new"]},'
    ' {"claim": "a-group", "scopes": ["read"]}]'
)


def test_roles_and_groups_are_mapped_to_grants_and_holdings() -> None:
    mapped = EntraRoles.parse(TEXT).of(Claims({"roles": ["Publish"], "groups": ["a-group", "b"]}))
    assert [(grant.org, grant.scopes) for grant in mapped.grants] == [("*", {Scope.READ})]
    published = frozenset({Scope.READ, Scope.PUSH_NEW})
    assert mapped.holdings == (Holding(org="acme", role=Role.MAINTAINER, scopes=published),)


@pytest.mark.parametrize("values", [{}, {"roles": ["publish"]}, {"roles": {"Publish": 1}}])
def test_what_is_not_mapped_may_nothing(values: dict[str, object]) -> None:
    mapped = EntraRoles.parse(TEXT).of(Claims(values))
    assert (mapped.grants, mapped.holdings) == ((), ())


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[",
        '[{"claim": "a"}]',
        '[{"claim": "", "scopes": ["read"]}]',
        '[{"claim": "a", "scopes": []}]',
        '[{"claim": "a", "scopes": ["everything"]}]',
        '[{"claim": "a", "scopes": ["read"], "role": "king"}]',
        '[{"claim": "a", "scopes": ["read"], "organisation": "acme"}]',
    ],
)
def test_a_mapping_that_cannot_be_read_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(ValueError, match="it is no list such as"):
        EntraRoles.parse(text)


def test_an_empty_mapping_maps_nothing() -> None:
    assert EntraRoles.parse(" ").roles == ()


def test_tokens_are_for_the_application_unless_the_operator_says_otherwise() -> None:
    assert audiences("id", []) == ("id", "api://id")
    assert audiences("id", ["https://registry.test"]) == ("https://registry.test",)
