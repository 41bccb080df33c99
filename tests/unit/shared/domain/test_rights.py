"""What a grant covers and includes, and what a pattern stands for."""

import pytest

from shared.domain.identity import (
    JOB_SCOPES,
    MACHINE_SCOPES,
    PUBLISHING_SCOPES,
    RECENT_SIGN_IN_ACTIONS,
    RIGHTS,
    Action,
    Grant,
    Role,
    Scope,
    is_pattern,
    matches_pattern,
    org_of,
    rights_table,
)
from shared.domain.names import Package, parse_org

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
def test_a_grant_on_some_packages_is_no_grant_on_their_organization(
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
        *("*", "a*", "a?c", "a[bc]")
    ]


def test_names_fit_patterns_without_case() -> None:
    for name, pattern in (("Acme", "acme"), ("acme", "ACME"), ("ACME", "a?m*")):
        assert matches_pattern(name, pattern)
    assert not matches_pattern("acme", "acm")
    assert not matches_pattern("acme", "acme?")


def test_the_organization_of_a_package_is_the_one_it_is_in() -> None:
    assert org_of(GREET) == org_of(ACME) == "Acme"


def rows() -> list[dict[str, str]]:
    """Return the rows of the table by the names of its columns."""
    text = rights_table().splitlines()
    head, _, *lines = [[cell.strip() for cell in row.strip("|").split("|")] for row in text]
    return [dict(zip(head, line, strict=True)) for line in lines]


def test_every_action_has_a_row_with_its_scope_and_its_roles() -> None:
    assert len(rows()) == len(Action)
    for action, row in zip(Action, rows(), strict=True):
        scope, roles = RIGHTS[action]
        assert row["scope"] == f"`{scope.value}`"
        assert {role for role in Role if row[role.value] == "yes"} == roles
        assert (row["signed in within 10 minutes"] == "yes") is (action in RECENT_SIGN_IN_ACTIONS)


def test_no_token_does_what_takes_a_fresh_sign_in() -> None:
    for row in rows():
        if row["signed in within 10 minutes"] == "yes":
            assert row["token of an organization"] == row["token of a CI job"] == "-"


def test_administrators_do_everything() -> None:
    assert {row["administrator"] for row in rows()} == {"yes"}


def test_a_job_publishes_and_does_nothing_else() -> None:
    by_job = [row["scope"] for row in rows() if row["token of a CI job"] == "yes"]
    assert by_job == ["`push-new`", "`push-version`"]
    assert JOB_SCOPES == PUBLISHING_SCOPES


def test_the_token_of_an_organization_does_all_that_manages_nothing() -> None:
    assert set(Scope) - MACHINE_SCOPES == {Scope.MANAGE}
    for action, row in zip(Action, rows(), strict=True):
        scope, roles = RIGHTS[action]
        may = Role.MAINTAINER in roles and scope is not Scope.MANAGE
        assert (row["token of an organization"] == "yes") is may


def test_the_table_is_one_of_markdown() -> None:
    head, rule, *lines = rights_table().splitlines()
    columns = [
        *("to …", "scope", "owner", "maintainer", "member", "administrator"),
        *("token of an organization", "token of a CI job", "signed in within 10 minutes"),
    ]
    assert head == f"| {' | '.join(columns)} |"
    assert rule == "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    assert lines[0] == (
        "| see and pull a private package | `read` | yes | yes | yes | yes | yes | - | - |"
    )
    assert {cell for row in rows() for name, cell in row.items() if name not in columns[:2]} == {
        *("yes", "-")
    }
